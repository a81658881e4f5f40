// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"
#include "core/ops/sum.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("sum", x.dtype(), [&]<class T>() { *y.data<T>() = static_cast<T>(total<T>(x)); });
}

void backward(Tensor& dx, const Tensor& dy) {
  dispatch_float("sum", dy.dtype(),
                 [&]<class T>() { map_elements<T>(dx, [g = *dy.data<T>()]() { return g; }); });
}

}  // namespace

constinit SumKernels sum_kernels{{"sum_forward", forward}, {"sum_backward", backward}};

}  // namespace salu
