// SPDX-License-Identifier: MIT
#include "core/ops/softmax.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/softmax_row.cuh"

namespace salu::cuda {
namespace {

template <class T>
__global__ void softmax_forward_kernel(std::int64_t rows, std::int64_t n, T* y, const T* x) {
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* in = x + row * n;
    const RowSum s = row_sum(in, n);
    const float factor = 1 / s.sum;
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      y[row * n + i] = T(std::exp(static_cast<float>(in[i]) - s.largest) * factor);
    }
  }
}

template <class T>
__global__ void softmax_backward_kernel(std::int64_t rows, std::int64_t n, T* dx, const T* dy, const T* y) {
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T *g = dy + row * n, *p = y + row * n;
    float dot = 0;
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      dot += static_cast<float>(g[i]) * static_cast<float>(p[i]);
    }
    dot = block_sum(dot);
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      dx[row * n + i] = T(static_cast<float>(p[i]) * (static_cast<float>(g[i]) - dot));
    }
  }
}

void forward(Tensor& y, const Tensor& x) {
  dispatch_activation("softmax", x.dtype(), [&]<class T>() {
    launch("softmax_forward_kernel", softmax_forward_kernel<T>, cover_rows(rows_of(x), x.dim(-1)), rows_of(x),
           x.dim(-1), y.data<T>(), x.data<T>());
  });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_activation("softmax", y.dtype(), [&]<class T>() {
    launch("softmax_backward_kernel", softmax_backward_kernel<T>, cover_rows(rows_of(y), y.dim(-1)),
           rows_of(y), y.dim(-1), dx.data<T>(), dy.data<T>(), y.data<T>());
  });
}

}  // namespace

void register_softmax() {
  softmax_kernels.forward.set(DeviceType::cuda, forward);
  softmax_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
