// SPDX-License-Identifier: MIT
/// What the CUDA libraries need beside cuda/runtime.h; only cuda/runtime.cc and cuda/library include it.
#pragma once

#include <cuda_runtime_api.h>

namespace salu::cuda {

/// The compute stream of the process.
cudaStream_t stream();

/// Throws ErrorCode::environment with `what` and CUDA's own name for the failure.
void check_cuda(cudaError_t status, const char* what);

}  // namespace salu::cuda
