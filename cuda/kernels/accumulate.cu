// SPDX-License-Identifier: MIT
#include "cuda/kernels/accumulate.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

template <class T>
__global__ void accumulate_kernel(std::int64_t n, float* sum, const T* part) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) sum[i] += static_cast<float>(part[i]);
}

}  // namespace

void accumulate(Tensor& sum, const Tensor& part) {
  dispatch_activation("accumulate", part.dtype(), [&]<class T>() {
    launch("accumulate_kernel", accumulate_kernel<T>, cover_at_most(grid_blocks(8), sum.numel()), sum.numel(),
           sum.data<float>(), part.data<T>());
  });
}

}  // namespace salu::cuda
