// SPDX-License-Identifier: MIT
#pragma once

namespace salu::cuda {

/// Enters our own CUDA kernels of every op into its kernel table.
void register_ops();

}  // namespace salu::cuda
