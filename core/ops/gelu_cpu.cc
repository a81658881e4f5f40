// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/gelu.h"
#include "core/ops/scalar_math.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, GeluKind kind) {
  dispatch_float("gelu", x.dtype(), [&]<class T>() {
    if (kind == GeluKind::erf) {
      map_elements<T>(y, gelu_erf_value<T>, x);
    } else {
      map_elements<T>(y, gelu_tanh_value<T>, x);
    }
  });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, GeluKind kind) {
  dispatch_float("gelu", x.dtype(), [&]<class T>() {
    if (kind == GeluKind::erf) {
      map_elements<T>(
          dx, [](T g, T v) { return g * gelu_erf_slope(v); }, dy, x);
    } else {
      map_elements<T>(
          dx, [](T g, T v) { return g * gelu_tanh_slope(v); }, dy, x);
    }
  });
}

}  // namespace

constinit GeluKernels gelu_kernels{{"gelu_forward", forward}, {"gelu_backward", backward}};

}  // namespace salu
