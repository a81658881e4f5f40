// SPDX-License-Identifier: MIT
#include "core/ops/avg_pool2d.h"

#include "core/ops/pool2d.h"

namespace salu {

Tensor avg_pool2d_forward(const Tensor& x, Pool2dOptions options) {
  Tensor y = Tensor::empty(pool2d_shape("avg_pool2d", x.shape(), options), x.dtype(), x.device());
  avg_pool2d_kernels.forward(x.device(), y, x, options);
  return y;
}

Tensor avg_pool2d_backward(const Tensor& dy, const Shape& x_shape, Pool2dOptions options) {
  check_shape("avg_pool2d", "dy", dy, pool2d_shape("avg_pool2d", x_shape, options));
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  avg_pool2d_kernels.backward(dy.device(), dx, dy, options);
  return dx;
}

}  // namespace salu
