// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/mean.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("mean", x.dtype(), [&]<class T>() {
    *y.data<T>() = static_cast<T>(total<T>(x) / static_cast<double>(x.numel()));
  });
}

void backward(Tensor& dx, const Tensor& dy) {
  dispatch_float("mean", dy.dtype(), [&]<class T>() {
    map_elements<T>(dx, [g = *dy.data<T>() / static_cast<T>(dx.numel())]() { return g; });
  });
}

}  // namespace

constinit MeanKernels mean_kernels{{"mean_forward", forward}, {"mean_backward", backward}};

}  // namespace salu
