// SPDX-License-Identifier: MIT
/// What only code over the CUDA runtime sees: cuda/runtime/runtime.cc and cuda/library/.
#pragma once

#include <cuda_runtime_api.h>

namespace salu::cuda {

/// The compute stream.
cudaStream_t stream();

/// Throws ErrorCode::environment unless `status` is success: `<what>: cudaErrorName: description`.
void check_cuda(cudaError_t status, const char* what);

}  // namespace salu::cuda
