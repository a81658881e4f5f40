// SPDX-License-Identifier: MIT
#include "core/ops/sum.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

template <class T>
struct Store {
  T* y;
  __device__ void operator()(double sum) const { *y = T(static_cast<float>(sum)); }
};
template <class T>
struct Broadcast {
  const T* dy;
  __device__ float operator()(std::int64_t) const { return *dy; }
};

void forward(Tensor& y, const Tensor& x) {
  dispatch_activation("sum", x.dtype(),
                      [&]<class T>() { total(x.numel(), Elements<T>{x.data<T>()}, Store<T>{y.data<T>()}); });
}

void backward(Tensor& dx, const Tensor& dy) {
  dispatch_activation("sum", dy.dtype(), [&]<class T>() { map_index<T>(dx, Broadcast<T>{dy.data<T>()}); });
}

}  // namespace

void register_sum() {
  sum_kernels.forward.set(DeviceType::cuda, forward);
  sum_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
