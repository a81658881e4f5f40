// SPDX-License-Identifier: MIT
#include "core/ops/select_token.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/places.cuh"

namespace salu::cuda {
namespace {

/// Of each sample of `size` numbers, the `width` from `first` on.
template <class T>
struct Take {
  T* y;
  const T* x;
  std::int64_t size, first, width;
  __device__ void operator()(std::int64_t b, std::int64_t k) const {
    y[b * width + k] = x[b * size + first + k];
  }
};
/// The other way; zero around them.
template <class T>
struct Put {
  T* dx;
  const T* dy;
  std::int64_t size, first, width;
  __device__ void operator()(std::int64_t b, std::int64_t i) const {
    const std::int64_t k = i - first;
    dx[b * size + i] = k >= 0 && k < width ? dy[b * width + k] : T(0.0f);
  }
};

void forward(Tensor& y, const Tensor& x, std::int64_t index) {
  dispatch_activation("select_token", x.dtype(), [&]<class T>() {
    const std::int64_t d = x.dim(2);
    each_place(x.dim(0), d, Take<T>{y.data<T>(), x.data<T>(), x.dim(1) * d, index * d, d});
  });
}

void backward(Tensor& dx, const Tensor& dy, std::int64_t index) {
  dispatch_activation("select_token", dy.dtype(), [&]<class T>() {
    const std::int64_t d = dx.dim(2), size = dx.dim(1) * d;
    each_place(dx.dim(0), size, Put<T>{dx.data<T>(), dy.data<T>(), size, index * d, d});
  });
}

}  // namespace

void register_select_token() {
  select_token_kernels.forward.set(DeviceType::cuda, forward);
  select_token_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
