// SPDX-License-Identifier: MIT
#include "core/ops/bias.h"

namespace salu {

Tensor bias_forward(const Tensor& x, const Tensor& b) {
  check_shape("bias", "b", b, {x.dim(-1)});
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  bias_kernels.forward(x.device(), y, x, b);
  return y;
}

void bias_backward(const Tensor& dy, Tensor& db) {
  check_shape("bias", "db", db, {dy.dim(-1)});
  bias_kernels.backward(dy.device(), db, dy);
}

}  // namespace salu
