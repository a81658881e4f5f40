// SPDX-License-Identifier: MIT
/// Would a convolution fused with its activation be faster on this GPU? And how many channels should the
/// first convolution of a network have?
///
///   bench_fused [--json FILE] [PART-OF-A-NAME]
///   bench_fused --describe         prints cuDNN's description of this GPU, for tests/data/h200.json
///
/// Fusions: times of the fused graph and of the convolution alone. Their difference is the budget: the fusion
/// is slower when our own activation kernel, which reads the convolution's output from memory, takes less.
/// Stems: the same convolution over 3, 4 and 8 channels. FILE gets a JSON object per line.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/gpu.h"
#include "cuda/library/fused.h"
#include "cuda/library/handles.h"
#include "cuda/library/planned_graph.h"

namespace salu::cuda {
namespace {

double microseconds(const OperationGraph& graph, const Target& target) {
  const auto plans = allowed_plans(graph, target, {.workspace = kWorkspaceBytes});
  if (plans.empty()) fail(ErrorCode::environment, "[cudnn] no plan for {}", graph.text());
  return fastest_plan(graph, plans).microseconds;
}

/// Lines of text on stdout, of JSON in a file.
class Output {
 public:
  explicit Output(const std::string& path) {
    if (path.empty()) return;
    file_ = std::fopen(path.c_str(), "w");
    if (!file_) fail(ErrorCode::environment, "--json {}: cannot be written", path);
  }
  ~Output() {
    if (file_) std::fclose(file_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void add(const std::string& text, nlohmann::json object) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
    if (!file_) return;
    object["part"] = "fused";
    fmt::print(file_, "{}\n", object.dump());
    std::fflush(file_);  // a run that is cut off keeps what it has
  }

 private:
  std::FILE* file_ = nullptr;
};

void measure_fusions(const std::string& part, const Target& target, Output& out) {
  fmt::print("{:<48} {:>10} {:>12} {:>12}\n", "graph", "fused, us", "alone, us", "budget, us");
  for (const FusedCandidate& candidate : fused_candidates()) {
    if (candidate.name.find(part) == std::string::npos) continue;
    try {
      const double fused = microseconds(fused_graph(candidate).graph, target);
      const double alone = microseconds(convolution_alone(candidate).graph, target);
      out.add(fmt::format("{:<48} {:10.1f} {:12.1f} {:12.1f}", candidate.name, fused, alone, fused - alone),
              {{"case", candidate.name}, {"fused_us", fused}, {"alone_us", alone}});
    } catch (const Error& e) {
      out.add(fmt::format("{:<48} {}", candidate.name, e.what()),
              {{"case", candidate.name}, {"error", e.what()}});
    }
  }
}

void measure_stems(const std::string& part, const Target& target, Output& out) {
  struct Stem {
    const char* name;
    std::int64_t batch, side, kernel;
    Conv2dOptions options;
  };
  for (const Stem& s : {Stem{"stem 3x3 @32 b=512", 512, 32, 3, {1, 1}},
                        Stem{"stem 7x7 s2 @224 b=256", 256, 224, 7, {2, 3}}}) {
    if (std::string(s.name).find(part) == std::string::npos) continue;
    for (const std::int64_t channels : {3, 4, 8}) {
      nlohmann::json object{{"case", s.name}, {"channels", channels}};
      try {
        double us = 0;
        for (const ConvolutionPass pass : {ConvolutionPass::forward, ConvolutionPass::backward_weight}) {
          const ConvolutionProblem problem{pass,
                                           DType::bf16,
                                           {s.batch, s.side, s.side, channels},
                                           {64, s.kernel, s.kernel, channels},
                                           s.options};
          us += microseconds(convolution_graph(problem).graph, target);
        }
        object["us"] = us;
        out.add(fmt::format("{:<30} {} channels, forward + weights {:10.1f} us", s.name, channels, us),
                object);
      } catch (const Error& e) {
        object["error"] = e.what();
        out.add(fmt::format("{:<30} {} channels: {}", s.name, channels, e.what()), object);
      }
    }
  }
}

int run(int argc, char** argv) {
  std::string json, part;
  bool describe = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--describe") {
      describe = true;
    } else if (word == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else if (word.starts_with("-")) {
      fail(ErrorCode::usage, "{}: unknown; expected --describe, --json FILE or a part of a name", word);
    } else {
      part = word;
    }
  }
  if (gpu::device_count() == 0) {
    fmt::print(stderr, "skipped: no CUDA device\n");
    return 77;
  }
  gpu::use_device(0);
  const Target target = Target::device(0);
  if (describe) {
    fmt::print("{}\n", target.json());
    return 0;
  }
  Output out(json);
  measure_stems(part, target, out);
  measure_fusions(part, target, out);
  return 0;
}

}  // namespace
}  // namespace salu::cuda

int main(int argc, char** argv) {
  try {
    return salu::cuda::run(argc, argv);
  } catch (const salu::Error& e) {
    fmt::print(stderr, "bench_fused: error: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
