// SPDX-License-Identifier: MIT
#include "bench/gpu_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/gpu.h"
#include "core/rng.h"

namespace salu::bench {
namespace {

constexpr std::size_t kMostSets = 64;

std::vector<std::function<void()>> make_sets(const KernelCase& c, const MeasureOptions& options) {
  const double wanted = std::ceil(options.rotate_bytes / std::max(c.bytes, 1.0));
  const auto count = static_cast<std::size_t>(std::clamp(wanted, 1.0, static_cast<double>(kMostSets)));
  std::vector<std::function<void()>> sets;
  for (std::size_t i = 0; i < count; ++i) sets.push_back(c.make());
  return sets;
}

std::vector<double> replays(const std::vector<std::function<void()>>& sets, const MeasureOptions& options) {
  for (const auto& run : sets) run();  // loads code, lets the libraries choose, fills the allocator's cache
  gpu::synchronize();
  gpu::Graph graph;
  graph.begin();
  for (const auto& run : sets) run();
  graph.end();
  gpu::Event start, stop;
  std::vector<double> us;
  const auto began = std::chrono::steady_clock::now();
  for (int i = -2; i < options.repeats; ++i) {
    start.record();
    graph.replay();
    stop.record();
    stop.wait();
    if (i >= 0) us.push_back(1e3 * stop.milliseconds_since(start) / static_cast<double>(sets.size()));
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    if (i + 1 >= options.fewest && spent.count() > options.seconds) break;
  }
  return us;
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

}  // namespace

double Measured::quantile(double q) const {
  std::vector<double> sorted = us;
  std::sort(sorted.begin(), sorted.end());
  return sorted[static_cast<std::size_t>(std::lround(q * static_cast<double>(sorted.size() - 1)))];
}

Measured measure(const KernelCase& kernel_case, const MeasureOptions& options) {
  try {
    return {replays(make_sets(kernel_case, options), options), ""};
  } catch (const Error& e) {
    return {{}, e.what()};
  }
}

std::string table_head() {
  return fmt::format("{:<10} {:<34} {:<12} {:>10} {:>20} {:>8} {:>7} {:>8} {:>7}\n", "family", "case",
                     "variant", "us", "(10 %..90 %)", "GB/s", "of copy", "TFLOP/s", "of GEMM");
}

std::string table_line(const KernelCase& c, const Measured& m, const Ceilings& ceilings) {
  const std::string head = fmt::format("{:<10} {:<34} {:<12} ", c.family, c.name, c.variant);
  if (!m.error.empty()) return head + m.error + "\n";
  const double seconds = m.median() * 1e-6;
  return head + fmt::format("{:>10.2f} {:>20} {:>8.0f} {:>7.2f} {:>8.2f} {:>7.3f}\n", m.median(),
                            fmt::format("({:.2f}..{:.2f})", m.quantile(0.1), m.quantile(0.9)),
                            c.bytes / seconds * 1e-9, ratio(c.bytes / seconds, ceilings.copy_bytes),
                            c.flops / seconds * 1e-12, ratio(c.flops / seconds, ceilings.gemm_flops));
}

std::string json_line(const KernelCase& c, const Measured& m, const Ceilings& ceilings) {
  nlohmann::json out{{"part", "kernels"},    {"family", c.family}, {"case", c.name},
                     {"variant", c.variant}, {"bytes", c.bytes},   {"flops", c.flops}};
  if (!m.error.empty()) {
    out["error"] = m.error;
  } else {
    const double seconds = m.median() * 1e-6;
    out["us"] = m.median();
    out["us_p10"] = m.quantile(0.1);
    out["us_p90"] = m.quantile(0.9);
    out["repeats"] = m.us.size();
    out["gb_s"] = c.bytes / seconds * 1e-9;
    out["tflop_s"] = c.flops / seconds * 1e-12;
    out["of_copy"] = ratio(c.bytes / seconds, ceilings.copy_bytes);
    out["of_gemm"] = ratio(c.flops / seconds, ceilings.gemm_flops);
  }
  return out.dump() + "\n";
}

Tensor device_empty(const Shape& shape, DType dtype) { return Tensor::empty(shape, dtype, kGpu); }

Tensor noise(const Shape& shape, DType dtype) {
  static const Tensor block = [] {
    std::vector<float> values(std::size_t{1} << 18);
    Rng rng({11, Purpose::test, 0, 0});
    for (float& v : values) v = static_cast<float>(rng.normal());
    return Tensor::from({static_cast<std::int64_t>(values.size())}, values);
  }();
  const Tensor source = block.to(dtype);
  Tensor out = device_empty(shape, dtype);
  auto* to = static_cast<char*>(out.raw());
  std::size_t done = std::min(out.bytes(), source.bytes());
  gpu::copy_to_device(to, source.raw(), done);
  while (done < out.bytes()) {  // the block repeats, twice as long each time
    const std::size_t step = std::min(done, out.bytes() - done);
    gpu::copy_on_device(to + done, to, step);
    done += step;
  }
  return out;
}

}  // namespace salu::bench
