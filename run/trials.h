// SPDX-License-Identifier: MIT
/// Trials before a run: benchmark, overfitting one batch, a sheet of augmented images. Nothing is saved.
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
  std::vector<double> ms;       ///< time of each step
  std::int64_t peak_bytes = 0;  ///< peak tensor memory on the device, warm-up included
  std::int64_t held_bytes = 0;  ///< memory held by the device's allocator at the end
  std::int64_t parameters = 0, img_size = 0;
  double first_step_ms = 0;         ///< includes loading code and choosing algorithms
  double loss = 0;                  ///< loss of the last step
  std::vector<ProfileRow> profile;  ///< over all timed steps; empty unless asked for

  /// The q-quantile of the step times; 0.5 is the median.
  double quantile(double q) const;
};

/// Trains the network of a run for kBenchmarkWarmup steps and then `steps` timed ones. A few batches of the
/// data set, read before the clock starts, are used in turn. A step's time is the interval between its result
/// and the previous one, so it includes every wait of the training loop.
///
/// With `profile` the rows of the result add up to the timed steps. This needs a configuration without
/// `graph`, because a replayed step has no ops.
BenchmarkResult run_benchmark(const TrainConfig& config, std::int64_t steps, bool profile = false);

/// A GPU records the fourth step and replays it afterwards.
inline constexpr std::int64_t kBenchmarkWarmup = 10;

/// The result as a line, followed by a table of the ops if they were timed, or as JSON.
std::string benchmark_text(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r);
std::string benchmark_json(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r);

struct OverfitResult {
  double first_loss = 0, last_loss = 0;
  std::int64_t images = 0;
  /// True when the loss fell below a tenth of the first.
  bool learned() const { return last_loss < 0.1 * first_loss; }
};

/// Trains the network of a run `steps` times on the first batch: without augmentation, mixing, smoothing and
/// dropout, at a constant rate after a warm-up of a tenth of the steps. `report` gets every step from 1, with
/// its loss. Throws ErrorCode::numerics when the loss is not finite.
OverfitResult overfit_batch(const TrainConfig& config, std::int64_t steps,
                            const std::function<void(std::int64_t step, double loss)>& report);

/// overfit_batch() with a report of its progress. Throws ErrorCode::numerics when the batch was not learned.
std::string learn_by_heart(const TrainConfig& config, std::int64_t steps,
                           const std::function<void(std::int64_t step, double loss)>& report);

/// Eight images, evenly spaced over the training set (fewer when it is smaller). Each row shows the image as
/// evaluation sees it, then as epochs 1 to 8 of a run with this (resolved) configuration train on it.
Image augmentation_preview(const TrainConfig& config);

}  // namespace salu
