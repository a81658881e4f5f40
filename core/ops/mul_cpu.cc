// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/mul.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_float("mul", y.dtype(), [&]<class T>() {
    map_elements<T>(
        y, [](T u, T v) { return u * v; }, a, b);
  });
}

}  // namespace

constinit MulKernels mul_kernels{{"mul_forward", forward}};

}  // namespace salu
