// SPDX-License-Identifier: MIT
#include "apps/benchmark.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/parallel.h"
#include "run/trials.h"

namespace salu {
namespace {

nlohmann::json profile_json(const BenchmarkResult& r) {
  const auto steps = static_cast<double>(r.ms.size());
  nlohmann::json rows = nlohmann::json::array();
  for (const ProfileRow& row : r.profile) {
    rows.push_back({{"op", row.op},
                    {"pass", pass_name(row.pass)},
                    {"calls", static_cast<double>(row.calls) / steps},
                    {"ms", row.ms / steps}});
  }
  return rows;
}

void print_profile(const BenchmarkResult& r) {
  const auto steps = static_cast<double>(r.ms.size());
  double total = 0;
  for (const ProfileRow& row : r.profile) total += row.ms;
  fmt::print("\n{:<28}{:<10}{:>12}{:>12}{:>9}\n", "op", "pass", "calls/step", "ms/step", "share");
  for (const ProfileRow& row : r.profile) {
    fmt::print("{:<28}{:<10}{:>12.6g}{:>12.3f}{:>7.1f} %\n", row.op, pass_name(row.pass),
               static_cast<double>(row.calls) / steps, row.ms / steps, 100 * row.ms / total);
  }
  fmt::print("{:<50}{:>12.3f}{:>7.1f} %\n", "all", total / steps, 100.0);
}

}  // namespace

int print_benchmark(const TrainOptions& options) {
  TrainConfig config = options.config;
  set_num_threads(config.threads);
  config.model.placement = open_device(options.device);
  if (options.profile) config.graph = false;  // a replayed step has no ops
  const BenchmarkResult r = run_benchmark(config, options.benchmark, options.profile);
  const double batch = static_cast<double>(config.pictures_per_step()), median = r.quantile(0.5);
  const auto rate = [&](double ms) { return 1e3 * batch / ms; };
  const auto mib = [](std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  const std::string place = describe_placement(config.model.placement, options.device);
  if (options.json) {
    nlohmann::json out{{"model", config.model.name},
                       {"parameters", r.parameters},
                       {"batch", config.pictures_per_step()},
                       {"img_size", r.img_size},
                       {"device", place},
                       {"precision", options.device.precision},
                       {"kernels", options.device.kernels},
                       {"graph", config.graph},
                       {"deterministic", options.device.deterministic},
                       {"first_step_ms", r.first_step_ms},
                       {"ms", r.ms},
                       {"ms_median", median},
                       {"img_per_s", rate(median)},
                       {"peak_mib", mib(r.peak_bytes)},
                       {"held_mib", mib(r.held_bytes)},
                       {"loss", r.loss}};
    if (options.profile) out["profile"] = profile_json(r);
    fmt::print("{}\n", out.dump());
    return 0;
  }
  fmt::print(
      "{}, batch {}, on {}: {:.1f} img/s ({:.1f}..{:.1f}), {:.3f} ms/step ({:.3f}..{:.3f}, 10 %..90 % "
      "of {} steps), peak memory {:.1f} MiB, loss {:.4f}\n",
      config.model.name, config.pictures_per_step(), place, rate(median), rate(r.quantile(0.9)),
      rate(r.quantile(0.1)), median, r.quantile(0.1), r.quantile(0.9), r.ms.size(), mib(r.peak_bytes),
      r.loss);
  if (options.profile) print_profile(r);
  return 0;
}

}  // namespace salu
