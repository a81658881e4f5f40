// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/scale.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, double factor) {
  dispatch_float("scale", x.dtype(), [&]<class T>() {
    map_elements<T>(
        y, [k = static_cast<T>(factor)](T v) { return k * v; }, x);
  });
}

}  // namespace

constinit ScaleKernels scale_kernels{{"scale_forward", forward}};

}  // namespace salu
