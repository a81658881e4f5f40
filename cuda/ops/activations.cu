// SPDX-License-Identifier: MIT
#include "core/ops/activations.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

template <class F>
void forward(Tensor& y, const Tensor& x) {
  map_elements(F::kOp, y, Value<F>{}, x);
}
template <class F>
void backward(Tensor& dx, const Tensor& dy, const Tensor& x) {
  map_elements(F::kOp, dx, Gradient<F>{}, dy, x);
}

template <class F>
void register_kernels(ActivationKernels& kernels) {
  kernels.forward.set(DeviceType::cuda, forward<F>);
  kernels.backward.set(DeviceType::cuda, backward<F>);
}

struct PreluValue {
  const float* slope;
  __device__ float operator()(float x) const { return Prelu::value(x, *slope); }
};

/// Writes dx and returns the contribution to dslope.
template <class T>
struct PreluGradient {
  T* dx;
  const T* dy;
  const T* x;
  const float* slope;
  __device__ float operator()(std::int64_t i) const {
    const float v = x[i], g = dy[i];
    dx[i] = T(Prelu::gradient(g, v, *slope));
    return Prelu::slope_gradient(g, v);
  }
};

void prelu_forward(Tensor& y, const Tensor& x, const Tensor& slope) {
  map_elements("prelu", y, PreluValue{slope.data<float>()}, x);
}

void prelu_backward(Tensor& dx, Tensor* dslope, const Tensor& dy, const Tensor& x, const Tensor& slope) {
  dispatch_activation("prelu", x.dtype(), [&]<class T>() {
    total(x.numel(), PreluGradient<T>{dx.data<T>(), dy.data<T>(), x.data<T>(), slope.data<float>()},
          AddTotal{gradient_data(dslope)});
  });
}

}  // namespace

void register_activations() {
  register_kernels<Relu>(relu_kernels);
  register_kernels<Gelu>(gelu_kernels);
  register_kernels<GeluTanh>(gelu_tanh_kernels);
  register_kernels<Swish>(swish_kernels);
  register_kernels<Hardswish>(hardswish_kernels);
  prelu_kernels.forward.set(DeviceType::cuda, prelu_forward);
  prelu_kernels.backward.set(DeviceType::cuda, prelu_backward);
}

}  // namespace salu::cuda
