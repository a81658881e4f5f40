// SPDX-License-Identifier: MIT
#include "core/ops/add.h"
#include "core/ops/elementwise.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_float("add", y.dtype(), [&]<class T>() {
    map_elements<T>(
        y, [](T u, T v) { return u + v; }, a, b);
  });
}

}  // namespace

constinit AddKernels add_kernels{{"add_forward", forward}};

}  // namespace salu
