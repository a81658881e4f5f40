// SPDX-License-Identifier: MIT
#include "core/ops/softmax.h"

namespace salu {

Tensor softmax_forward(const Tensor& x) {
  check(x.shape().rank() >= 1, "[softmax] expected rank >= 1, got {}", x.shape().str());
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  softmax_kernels.forward(x.device(), y, x);
  return y;
}

Tensor softmax_backward(const Tensor& dy, const Tensor& y) {
  check_like("softmax", y, dy);
  Tensor dx = Tensor::empty(y.shape(), y.dtype(), y.device());
  softmax_kernels.backward(y.device(), dx, dy, y);
  return dx;
}

}  // namespace salu
