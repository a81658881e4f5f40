// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "data/loader.h"
#include "run/config.h"

namespace salu {

/// LoaderOptions::make_targets of a training: gives a batch the targets of the loss, smoothed, and mixes
/// both.
std::function<void(Batch&, RandomKey)> target_maker(const TrainConfig& config, const Dataset& dataset);

}  // namespace salu
