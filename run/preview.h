// SPDX-License-Identifier: MIT
/// What augmentation does to the training pictures of a run.
#pragma once

#include "data/image.h"
#include "run/config.h"

namespace salu {

/// Eight pictures, evenly spread over the training set (fewer when it is smaller). Each row holds the picture
/// as evaluation sees it, and then what epochs 1 to 8 of a run with this (resolved) configuration train on.
Image augmentation_preview(const TrainConfig& config);

}  // namespace salu
