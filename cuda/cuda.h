// SPDX-License-Identifier: MIT
/// The door of the CUDA backend for programs.
#pragma once

namespace salu::cuda {

/// Makes DeviceType::cuda usable: memory for Tensor, and the kernels of every op. Call once, before the first
/// CUDA tensor. Throws ErrorCode::environment when there is no device `index`.
void install(int index);

}  // namespace salu::cuda
