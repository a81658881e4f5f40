// SPDX-License-Identifier: MIT
/// Whether a network can learn a handful of pictures by heart: the first thing to ask when one does not
/// learn.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "run/config.h"

namespace salu {

struct OverfitResult {
  double first_loss = 0, last_loss = 0;
  std::int64_t pictures = 0;
  /// Below a tenth of where it began.
  bool learned() const { return last_loss < 0.1 * first_loss; }
};

/// Trains the network of a run on the first batch so many times: without augmentation, mixing, smoothing and
/// dropout, at a constant rate behind a warm-up of a tenth of the steps. `report` gets every step from 1,
/// with its loss. Throws ErrorCode::numerics when the loss is not finite.
OverfitResult overfit_batch(const TrainConfig& config, std::int64_t steps,
                            const std::function<void(std::int64_t step, double loss)>& report);

/// The same; says how it went. Throws ErrorCode::numerics when the batch was not learned.
std::string learn_by_heart(const TrainConfig& config, std::int64_t steps,
                           const std::function<void(std::int64_t step, double loss)>& report);

}  // namespace salu
