// SPDX-License-Identifier: MIT
#include "core/ops/mean.h"

namespace salu {

Tensor mean_forward(const Tensor& x) {
  check(x.numel() > 0, "[mean] expected at least one element, got {}", x.shape().str());
  Tensor y = Tensor::empty({1}, x.dtype(), x.device());
  mean_kernels.forward(x.device(), y, x);
  return y;
}

Tensor mean_backward(const Tensor& dy, const Shape& x_shape) {
  check_shape("mean", "dy", dy, {1});
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  mean_kernels.backward(dy.device(), dx, dy);
  return dx;
}

}  // namespace salu
