// SPDX-License-Identifier: MIT
/// The handles of cuDNN and cuBLASLt, bound to the stream, with one workspace and one set of options for
/// both.
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include <cstdint>

namespace salu::cuda {

struct LibraryOptions {
  bool deterministic = true;  ///< only algorithms with reproducible bits
  bool tf32 = false;          ///< f32 products on tensor cores, with 10 bits of mantissa
};
/// A change applies to plans made afterwards.
LibraryOptions& library_options();

/// Throws ErrorCode::environment with the library's name of the failure, and its explanation if any.
void check_cudnn(cudnnStatus_t status, const char* what);
void check_cublas(cublasStatus_t status, const char* what);

cudnnHandle_t cudnn_handle();
cublasLtHandle_t cublas_lt_handle();

/// Plans that need more workspace are rejected.
inline constexpr std::int64_t kWorkspaceBytes = std::int64_t{256} << 20;
/// One block for all plans, because they run one after another. It never moves, because captured graphs point
/// to it.
void* library_workspace();

}  // namespace salu::cuda
