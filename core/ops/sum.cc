// SPDX-License-Identifier: MIT
#include "core/ops/sum.h"

namespace salu {

Tensor sum_forward(const Tensor& x) {
  Tensor y = Tensor::empty({1}, x.dtype(), x.device());
  sum_kernels.forward(x.device(), y, x);
  return y;
}

Tensor sum_backward(const Tensor& dy, const Shape& x_shape) {
  check_shape("sum", "dy", dy, {1});
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  sum_kernels.backward(dy.device(), dx, dy);
  return dx;
}

}  // namespace salu
