// SPDX-License-Identifier: MIT
#pragma once

#include "models/family.h"

namespace salu {

/// The four-layer network of the paper's Appendix A, which shows how a norm changes the trajectory of PReLU's
/// slope: conv3x3(32) -> norm -> act -> pool 2 -> conv3x3(64) -> norm -> act -> pool 2 -> fc(128) -> norm ->
/// act -> fc. Convolutions are padded by 1; the input of fc1 is flattened in (row, col, channel) order.
Architecture cnn4();

}  // namespace salu
