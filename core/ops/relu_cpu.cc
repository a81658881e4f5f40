// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/relu.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("relu", x.dtype(), [&]<class T>() {
    map_elements<T>(
        y, [](T v) { return v < T(0) ? T(0) : v; }, x);  // this way round NaN stays
  });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_float("relu", y.dtype(), [&]<class T>() {
    map_elements<T>(
        dx, [](T g, T v) { return v > T(0) ? g : T(0); }, dy, y);
  });
}

}  // namespace

constinit ReluKernels relu_kernels{{"relu_forward", forward}, {"relu_backward", backward}};

}  // namespace salu
