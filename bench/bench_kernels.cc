// SPDX-License-Identifier: MIT
/// Times the kernels of the GPU, and compares them with what the same machine reaches in a copy and in the
/// library's matrix product.
///
///   build/bench/bench_kernels [--smoke] [--handwritten] [--json FILE] [FAMILY...]
///
/// Prints a table; FILE gets a JSON object per line. Families: salu, pointwise, loss, norm, pool, attention,
/// conv, product, optimizer, floor; all by default. --smoke: tiny shapes, once over; --handwritten: without
/// the libraries.
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>

#include "bench/gpu_cases.h"
#include "core/gpu.h"
#include "core/text.h"

namespace salu::bench {
namespace {

struct Arguments {
  bool smoke = false, handwritten = false;
  std::string json;
  std::set<std::string> families;
};

constexpr const char* kFamilies[] = {"salu",      "pointwise", "loss",    "norm",      "pool",
                                     "attention", "conv",      "product", "optimizer", "floor"};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--smoke") {
      a.smoke = true;
    } else if (word == "--handwritten") {
      a.handwritten = true;
    } else if (word == "--json" && i + 1 < argc) {
      a.json = argv[++i];
    } else if (std::find(std::begin(kFamilies), std::end(kFamilies), word) != std::end(kFamilies)) {
      a.families.insert(word);
    } else {
      fail(ErrorCode::usage, "{}: unknown; expected --smoke, --handwritten, --json FILE, or families: {}",
           escaped(word), fmt::join(kFamilies, ", "));
    }
  }
  return a;
}

class Report {
 public:
  explicit Report(const std::string& json) {
    if (json.empty()) return;
    file_.reset(std::fopen(json.c_str(), "w"));
    if (!file_) fail(ErrorCode::environment, "--json {}: cannot be written", escaped(json));
  }

  /// Returns the rates of the case in bytes and operations per second, 0 where it did not run.
  std::pair<double, double> add(const KernelCase& c, const MeasureOptions& options,
                                const Ceilings& ceilings) {
    const Measured m = measure(c, options);
    fmt::print("{}", table_line(c, m, ceilings));
    std::fflush(stdout);
    if (file_) {
      fmt::print(file_.get(), "{}", json_line(c, m, ceilings));
      std::fflush(file_.get());  // a run that is cut off keeps what it has
    }
    failed_ = failed_ || !m.error.empty();
    if (m.us.empty()) return {0, 0};
    return {c.bytes / m.median() * 1e6, c.flops / m.median() * 1e6};
  }
  bool failed() const { return failed_; }

 private:
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  bool failed_ = false;
};

int run(const Arguments& arguments) {
  if (gpu::device_count() == 0) {
    fmt::print(stderr, "skipped: no CUDA device\n");
    return 77;
  }
  gpu::open({.handwritten = arguments.handwritten});
  for (const std::string& line : gpu::describe()) fmt::print("{}\n", line);
  const bool library = std::string(gpu::backend_name()) == "cuda" && !arguments.handwritten;
  const CaseOptions cases{arguments.smoke, library};
  MeasureOptions measuring;
  if (arguments.smoke) measuring = {.rotate_bytes = 0, .repeats = 2, .fewest = 1, .seconds = 0};
  Report report(arguments.json);
  fmt::print("{}", table_head());
  Ceilings ceilings;
  for (const KernelCase& c : copy_cases(cases))
    ceilings.copy_bytes = report.add(c, measuring, ceilings).first;
  for (const KernelCase& c : ceiling_product_cases(cases)) {
    ceilings.gemm_flops = report.add(c, measuring, ceilings).second;
  }
  // The most wanted first, as time may run out.
  for (const auto family : {salu_cases, floor_cases, optimizer_cases, attention_cases, row_cases, pool_cases,
                            pointwise_cases, product_cases, convolution_cases}) {
    for (const KernelCase& c : family(cases)) {
      if (arguments.families.empty() || arguments.families.contains(c.family))
        report.add(c, measuring, ceilings);
    }
  }
  return report.failed() ? static_cast<int>(ErrorCode::environment) : 0;
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  try {
    return salu::bench::run(salu::bench::parse(argc, argv));
  } catch (const salu::Error& e) {
    fmt::print(stderr, "bench_kernels: error: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
