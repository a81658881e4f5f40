// SPDX-License-Identifier: MIT
/// How long a training step takes, without loading, scoring or saving.
#pragma once

#include <cstdint>
#include <vector>

#include "core/profile.h"
#include "run/config.h"

namespace salu {

struct BenchmarkResult {
  std::vector<double> ms;       ///< of each timed step
  std::int64_t peak_bytes = 0;  ///< most bytes of tensors on the device at once, the warm-up included
  std::int64_t held_bytes = 0;  ///< what the allocator keeps of the device at the end
  std::int64_t parameters = 0, img_size = 0;
  double first_step_ms = 0;         ///< loading code and choosing algorithms included
  double loss = 0;                  ///< of the last step
  std::vector<ProfileRow> profile;  ///< of all timed steps; empty unless asked for

  /// The q-quantile of the steps, 0.5 for the median.
  double quantile(double q) const;
};

/// Trains the network of a run on a few batches of the data set, which are read before the clock starts and
/// take turns, unchanged: kBenchmarkWarmup steps, then `steps` timed ones. A step's time is that between its
/// result and the one before, so it holds whatever a training loop waits for.
///
/// With `profile` the rows of the result add up to the timed steps; expects a configuration without `graph`,
/// as a step that is replayed has no ops.
BenchmarkResult run_benchmark(const TrainConfig& config, std::int64_t steps, bool profile = false);

/// A GPU records the fourth step and replays it from then on.
inline constexpr std::int64_t kBenchmarkWarmup = 10;

}  // namespace salu
