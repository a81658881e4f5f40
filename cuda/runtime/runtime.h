// SPDX-License-Identifier: MIT
/// The CUDA runtime for code that calls it directly: core/gpu.h on a GPU, and cuda/library.
#pragma once

#include <cuda_runtime_api.h>

namespace salu::cuda {

/// The one stream of the process.
cudaStream_t stream();

/// Throws ErrorCode::environment unless `status` is success: `<what>: cudaErrorName: description`.
void check_cuda(cudaError_t status, const char* what);

}  // namespace salu::cuda
