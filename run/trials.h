// SPDX-License-Identifier: MIT
/// Trials before a run: the time of a step, whether the network learns a few images by heart, a sheet of
/// augmented images. Nothing is saved.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/profile.h"
#include "data/image.h"
#include "run/config.h"
#include "run/device.h"

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

/// The result as a line, with a table of the ops where they were timed, or as JSON.
std::string benchmark_text(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r);
std::string benchmark_json(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r);

struct OverfitResult {
  double first_loss = 0, last_loss = 0;
  std::int64_t pictures = 0;
  /// Below a tenth of where it began.
  bool learned() const { return last_loss < 0.1 * first_loss; }
};

/// Trains the network of a run on the first batch so many times: without augmentation, mixing, smoothing and
/// dropout, at a constant rate after a warm-up of a tenth of the steps. `report` gets every step from 1,
/// with its loss. Throws ErrorCode::numerics when the loss is not finite.
OverfitResult overfit_batch(const TrainConfig& config, std::int64_t steps,
                            const std::function<void(std::int64_t step, double loss)>& report);

/// The same; says how it went. Throws ErrorCode::numerics when the batch was not learned.
std::string learn_by_heart(const TrainConfig& config, std::int64_t steps,
                           const std::function<void(std::int64_t step, double loss)>& report);

/// Eight pictures, evenly spread over the training set (fewer when it is smaller). Each row holds the picture
/// as evaluation sees it, and then what epochs 1 to 8 of a run with this (resolved) configuration train on.
Image augmentation_preview(const TrainConfig& config);

}  // namespace salu
