// SPDX-License-Identifier: MIT
#include "core/ops/max_pool2d.h"

#include <limits>

#include "core/ops/pool2d.h"

namespace salu {

MaxPool2dResult max_pool2d_forward(const Tensor& x, Pool2dOptions options) {
  const Shape shape = pool2d_shape("max_pool2d", x.shape(), options);
  check(x.dim(1) * x.dim(2) <= std::numeric_limits<std::int32_t>::max(),
        "[max_pool2d] expected fewer than 2^31 pixels, got x {}", x.shape().str());
  MaxPool2dResult result{Tensor::empty(shape, x.dtype(), x.device()),
                         Tensor::empty(shape, DType::i32, x.device())};
  max_pool2d_kernels.forward(x.device(), result.y, result.argmax, x, options);
  return result;
}

Tensor max_pool2d_backward(const Tensor& dy, const Tensor& argmax, const Shape& x_shape,
                           Pool2dOptions options) {
  check_shape("max_pool2d", "argmax", argmax, pool2d_shape("max_pool2d", x_shape, options));
  check_shape("max_pool2d", "dy", dy, argmax.shape());
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  max_pool2d_kernels.backward(dy.device(), dx, dy, argmax, options);
  return dx;
}

}  // namespace salu
