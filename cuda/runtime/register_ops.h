// SPDX-License-Identifier: MIT
#pragma once

namespace salu::cuda {

/// Puts the CUDA kernels of every op into its kernel table.
void register_ops();

}  // namespace salu::cuda
