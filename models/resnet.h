// SPDX-License-Identifier: MIT
#pragma once

#include "models/family.h"

namespace salu {

/// Residual networks (He et al. 2016, stride on the 3x3 of a bottleneck as in torchvision), with any norm and
/// activation: conv -> norm -> act -> conv -> norm -> (+ skip) -> act. Names are torchvision's, `bn1` being
/// `norm1` unless the norm is batch norm, and activations `act1`, `act2`, ….
///
/// `depths`: blocks per stage. The widths are 64, 128, 256 and 512, of a small one 16, 32 and 64.
Architecture resnet(std::vector<int> depths);
Architecture bottleneck_resnet(std::vector<int> depths);
Architecture small_resnet(std::vector<int> depths);

}  // namespace salu
