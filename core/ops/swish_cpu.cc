// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/scalar_math.h"
#include "core/ops/swish.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("swish", x.dtype(), [&]<class T>() { map_elements<T>(y, swish_value<T>, x); });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x) {
  dispatch_float("swish", x.dtype(), [&]<class T>() {
    map_elements<T>(
        dx, [](T g, T v) { return g * swish_slope(v); }, dy, x);
  });
}

}  // namespace

constinit SwishKernels swish_kernels{{"swish_forward", forward}, {"swish_backward", backward}};

}  // namespace salu
