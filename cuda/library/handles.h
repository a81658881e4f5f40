// SPDX-License-Identifier: MIT
/// The handles of cuDNN and cuBLASLt, bound to the stream, with one workspace and one set of options for
/// both.
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include <cstdint>

namespace salu::cuda {

struct LibraryOptions {
  bool deterministic = true;  ///< only code that gives the same bits every time
  bool tf32 = false;          ///< f32 products on tensor cores, with 10 bits of mantissa
};
/// Plans made before a change stay in use for the options they were made under.
LibraryOptions& library_options();

/// Throw ErrorCode::environment with the library's name for the failure, and its explanation when it has one.
void check_cudnn(cudnnStatus_t status, const char* what);
void check_cublas(cublasStatus_t status, const char* what);

cudnnHandle_t cudnn_handle();
cublasLtHandle_t cublas_lt_handle();

/// Plans that need more workspace are not considered.
inline constexpr std::int64_t kWorkspaceBytes = std::int64_t{256} << 20;
/// One block for all plans, since they run one after another; it never moves, as recorded graphs point to it.
void* library_workspace();

}  // namespace salu::cuda
