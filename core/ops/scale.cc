// SPDX-License-Identifier: MIT
#include "core/ops/scale.h"

namespace salu {

Tensor scale_forward(const Tensor& x, double factor) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  scale_kernels.forward(x.device(), y, x, factor);
  return y;
}

}  // namespace salu
