// SPDX-License-Identifier: MIT
#include "core/ops/swish.h"

namespace salu {

Tensor swish_forward(const Tensor& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  swish_kernels.forward(x.device(), y, x);
  return y;
}

Tensor swish_backward(const Tensor& dy, const Tensor& x) {
  check_like("swish", x, dy);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  swish_kernels.backward(x.device(), dx, dy, x);
  return dx;
}

}  // namespace salu
