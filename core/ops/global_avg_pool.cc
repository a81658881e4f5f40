// SPDX-License-Identifier: MIT
#include "core/ops/global_avg_pool.h"

namespace salu {

Tensor global_avg_pool_forward(const Tensor& x) {
  check(x.shape().rank() == 4 && x.dim(1) > 0 && x.dim(2) > 0,
        "[global_avg_pool] expected x (N,H,W,C) with at least one pixel, got {}", x.shape().str());
  Tensor y = Tensor::empty({x.dim(0), x.dim(3)}, x.dtype(), x.device());
  global_avg_pool_kernels.forward(x.device(), y, x);
  return y;
}

Tensor global_avg_pool_backward(const Tensor& dy, const Shape& x_shape) {
  check_shape("global_avg_pool", "dy", dy, {x_shape[0], x_shape[3]});
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  global_avg_pool_kernels.backward(dy.device(), dx, dy);
  return dx;
}

}  // namespace salu
