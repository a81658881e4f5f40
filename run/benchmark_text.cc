// SPDX-License-Identifier: MIT
#include "run/benchmark_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/choices.h"

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

std::string profile_table(const BenchmarkResult& r) {
  const auto steps = static_cast<double>(r.ms.size());
  double total = 0;
  for (const ProfileRow& row : r.profile) total += row.ms;
  std::string out =
      fmt::format("\n{:<28}{:<10}{:>12}{:>12}{:>9}\n", "op", "pass", "calls/step", "ms/step", "share");
  for (const ProfileRow& row : r.profile) {
    out += fmt::format("{:<28}{:<10}{:>12.6g}{:>12.3f}{:>7.1f} %\n", row.op, pass_name(row.pass),
                       static_cast<double>(row.calls) / steps, row.ms / steps, 100 * row.ms / total);
  }
  return out + fmt::format("{:<50}{:>12.3f}{:>7.1f} %\n", "all", total / steps, 100.0);
}

double mib(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

/// Images per second at a time per step.
double rate(const TrainConfig& config, double ms) {
  return 1e3 * static_cast<double>(config.pictures_per_step()) / ms;
}

}  // namespace

std::string benchmark_json(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r) {
  const double median = r.quantile(0.5);
  nlohmann::json out{{"model", config.model.name},
                     {"parameters", r.parameters},
                     {"batch", config.pictures_per_step()},
                     {"img_size", r.img_size},
                     {"device", describe_placement(config.model.placement, device)},
                     {"precision", choice_name(kPrecisions, device.activations)},
                     {"kernels", choice_name(kKernelSources, device.handwritten)},
                     {"graph", config.step.record},
                     {"deterministic", device.deterministic},
                     {"first_step_ms", r.first_step_ms},
                     {"ms", r.ms},
                     {"ms_median", median},
                     {"img_per_s", rate(config, median)},
                     {"peak_mib", mib(r.peak_bytes)},
                     {"held_mib", mib(r.held_bytes)},
                     {"loss", r.loss}};
  if (!r.profile.empty()) out["profile"] = profile_json(r);
  return out.dump() + "\n";
}

std::string benchmark_text(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r) {
  const double fast = r.quantile(0.1), median = r.quantile(0.5), slow = r.quantile(0.9);
  return fmt::format(
             "{}, batch {}, on {}: {:.1f} img/s ({:.1f}..{:.1f}), {:.3f} ms/step ({:.3f}..{:.3f}, 10 %..90 % "
             "of {} steps), peak memory {:.1f} MiB, loss {:.4f}\n",
             config.model.name, config.pictures_per_step(),
             describe_placement(config.model.placement, device), rate(config, median), rate(config, slow),
             rate(config, fast), median, fast, slow, r.ms.size(), mib(r.peak_bytes), r.loss) +
         (r.profile.empty() ? "" : profile_table(r));
}

}  // namespace salu
