// SPDX-License-Identifier: MIT
#include "cuda/library/handles.h"

#include "core/gpu.h"
#include "core/out_of_memory.h"
#include "cuda/runtime/runtime.h"

// Handles and workspace are never freed, because the driver may be gone when static destructors run.
namespace salu::cuda {

LibraryOptions& library_options() {
  static LibraryOptions options;
  return options;
}

void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char reason[512] = "";
  cudnnGetLastErrorString(reason, sizeof reason);
  fail(ErrorCode::environment, "[cudnn] {}: {}{}{}", what, cudnnGetErrorString(status), *reason ? ": " : "",
       escaped(reason));
}

void check_cublas(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    fail(ErrorCode::environment, "[cublas] {}: {}", what, cublasLtGetStatusName(status));
  }
}

cudnnHandle_t cudnn_handle() {
  static const cudnnHandle_t handle = [] {
    cudnnHandle_t h = nullptr;
    check_cudnn(cudnnCreate(&h), "cannot start cuDNN");
    check_cudnn(cudnnSetStream(h, stream()), "cannot bind cuDNN to the stream");
    return h;
  }();
  return handle;
}

cublasLtHandle_t cublas_lt_handle() {
  static const cublasLtHandle_t handle = [] {
    cublasLtHandle_t h = nullptr;
    check_cublas(cublasLtCreate(&h), "cannot start cuBLASLt");
    return h;
  }();
  return handle;
}

void* library_workspace() {
  static void* const block = [] {
    void* b = gpu::allocate_raw(static_cast<std::size_t>(kWorkspaceBytes));
    if (!b) {
      throw OutOfMemory(fmt::format("device memory: no {} MiB left for the workspace of the CUDA libraries",
                                    kWorkspaceBytes >> 20));
    }
    return b;
  }();
  return block;
}

}  // namespace salu::cuda
