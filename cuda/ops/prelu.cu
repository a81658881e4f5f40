// SPDX-License-Identifier: MIT
#include "core/ops/prelu.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

struct Value {
  const float* slope;
  __device__ float operator()(float v) const { return v > 0 ? v : *slope * v; }
};

/// Writes dx, returns the term of dslope.
template <class T>
struct Gradient {
  T* dx;
  const T* dy;
  const T* x;
  const float* slope;
  __device__ float operator()(std::int64_t i) const {
    const float v = x[i], g = dy[i];
    dx[i] = T(v > 0 ? g : *slope * g);
    return v > 0 ? 0 : g * v;
  }
};

void forward(Tensor& y, const Tensor& x, const Tensor& slope) {
  map_elements("prelu", y, Value{slope.data<float>()}, x);
}

void backward(Tensor& dx, Tensor* dslope, const Tensor& dy, const Tensor& x, const Tensor& slope) {
  dispatch_activation("prelu", x.dtype(), [&]<class T>() {
    total(x.numel(), Gradient<T>{dx.data<T>(), dy.data<T>(), x.data<T>(), slope.data<float>()},
          AddTotal{gradient_data(dslope)});
  });
}

}  // namespace

void register_prelu() {
  prelu_kernels.forward.set(DeviceType::cuda, forward);
  prelu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
