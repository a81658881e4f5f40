// SPDX-License-Identifier: MIT
#include "core/ops/activations.h"

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

template <class F>
void forward_cpu(Tensor& y, const Tensor& x) {
  dispatch_elements(F::kOp, x.dtype(), [&]<class T>() { map_elements<T>(y, Value<F>{}, x); });
}

template <class F>
void backward_cpu(Tensor& dx, const Tensor& dy, const Tensor& x) {
  dispatch_elements(F::kOp, x.dtype(), [&]<class T>() { map_elements<T>(dx, Gradient<F>{}, dy, x); });
}

template <class F>
constexpr ActivationKernels kernels(const char* forward, const char* backward) {
  return {F::kOp, {forward, forward_cpu<F>}, {backward, backward_cpu<F>}};
}

template <class P>
struct PreluValue {
  P slope;
  template <class T>
  constexpr T operator()(T x) const {
    return Prelu::value(x, T(slope));
  }
};

void prelu_forward_cpu(Tensor& y, const Tensor& x, const Tensor& slope) {
  dispatch_elements("prelu", x.dtype(),
                    [&]<class T>() { map_elements<T>(y, PreluValue<Wide<T>>{*slope.data<Wide<T>>()}, x); });
}

void prelu_backward_cpu(Tensor& dx, Tensor* dslope, const Tensor& dy, const Tensor& x, const Tensor& slope) {
  dispatch_elements("prelu", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const T *in = x.data<T>(), *upstream = dy.data<T>();
    const W k = *slope.data<W>();
    T* out = dx.data<T>();
    const auto chunk = [=](std::int64_t begin, std::int64_t end) {
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = begin; i < end; ++i) {
        const W g = upstream[i], v = in[i];
        out[i] = T(Prelu::gradient(g, v, k));
        sum += static_cast<double>(Prelu::slope_gradient(g, v));
      }
      return sum;
    };
    const double sum = parallel_sum<double>(x.numel(), kElementwiseGrain, chunk);
    add_sums<W>(dslope, &sum);
  });
}

}  // namespace

constinit ActivationKernels relu_kernels = kernels<Relu>("relu_forward", "relu_backward");
constinit ActivationKernels gelu_kernels = kernels<Gelu>("gelu_forward", "gelu_backward");
constinit ActivationKernels gelu_tanh_kernels = kernels<GeluTanh>("gelu_tanh_forward", "gelu_tanh_backward");
constinit ActivationKernels swish_kernels = kernels<Swish>("swish_forward", "swish_backward");
constinit ActivationKernels hardswish_kernels = kernels<Hardswish>("hardswish_forward", "hardswish_backward");
constinit PreluKernels prelu_kernels{{"prelu_forward", prelu_forward_cpu},
                                     {"prelu_backward", prelu_backward_cpu}};

Tensor activation_forward(const ActivationKernels& f, const Tensor& x) { return like(f.forward, x, x); }

Tensor activation_backward(const ActivationKernels& f, const Tensor& dy, const Tensor& x) {
  check_like(f.op, x, dy);
  return like(f.backward, x, dy, x);
}

Tensor prelu_forward(const Tensor& x, const Tensor& slope) {
  check_shape("prelu", "slope", slope, {1});
  return like(prelu_kernels.forward, x, x, slope);
}

Tensor prelu_backward(const Tensor& dy, const Tensor& x, const Tensor& slope, Tensor* dslope) {
  check_like("prelu", x, dy);
  if (dslope) check_like("prelu", slope, *dslope);
  return like(prelu_kernels.backward, x, dslope, dy, x, slope);
}

}  // namespace salu
