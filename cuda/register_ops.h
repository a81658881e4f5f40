// SPDX-License-Identifier: MIT
#pragma once

namespace salu::cuda {

/// Registers our CUDA kernels of every op in its kernel table.
void register_ops();

}  // namespace salu::cuda
