// SPDX-License-Identifier: MIT
#include "core/ops/select_token.h"

namespace salu {

Tensor select_token_forward(const Tensor& x, std::int64_t index) {
  check(x.shape().rank() == 3 && index >= 0 && index < x.dim(1),
        "[select_token] expected x (B,T,D) with T > index {} >= 0, got {}", index, x.shape().str());
  Tensor y = Tensor::empty({x.dim(0), x.dim(2)}, x.dtype(), x.device());
  select_token_kernels.forward(x.device(), y, x, index);
  return y;
}

Tensor select_token_backward(const Tensor& dy, const Shape& x_shape, std::int64_t index) {
  check_shape("select_token", "dy", dy, {x_shape[0], x_shape[2]});
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  select_token_kernels.backward(dy.device(), dx, dy, index);
  return dx;
}

}  // namespace salu
