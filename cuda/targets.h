// SPDX-License-Identifier: MIT
#pragma once

namespace salu::cuda {

/// Enters the kernel of core/ops/targets.h, which is no differentiable op and not in the list of them.
void register_targets();

}  // namespace salu::cuda
