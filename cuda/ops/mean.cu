// SPDX-License-Identifier: MIT
#include "core/ops/mean.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

template <class T>
struct StoreMean {
  T* y;
  std::int64_t n;
  __device__ void operator()(double sum) const { *y = T(static_cast<float>(sum / static_cast<double>(n))); }
};
template <class T>
struct Share {
  const T* dy;
  float factor;
  __device__ float operator()(std::int64_t) const { return factor * static_cast<float>(*dy); }
};

void forward(Tensor& y, const Tensor& x) {
  dispatch_activation("mean", x.dtype(), [&]<class T>() {
    total(x.numel(), Elements<T>{x.data<T>()}, StoreMean<T>{y.data<T>(), x.numel()});
  });
}

void backward(Tensor& dx, const Tensor& dy) {
  dispatch_activation("mean", dy.dtype(), [&]<class T>() {
    map_index<T>(dx, Share<T>{dy.data<T>(), 1.0f / static_cast<float>(dx.numel())});
  });
}

}  // namespace

void register_mean() {
  mean_kernels.forward.set(DeviceType::cuda, forward);
  mean_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
