// SPDX-License-Identifier: MIT
#include "core/ops/embed_tokens.h"

namespace salu {
namespace {

void check_dy(const Tensor& dy) {
  check(dy.shape().rank() == 3 && dy.dim(1) >= 1, "[embed_tokens] expected dy (B,T+1,D), got {}",
        dy.shape().str());
}

}  // namespace

Tensor embed_tokens_forward(const Tensor& x, const Tensor& cls, const Tensor& position) {
  check(x.shape().rank() == 3, "[embed_tokens] expected x (B,T,D), got {}", x.shape().str());
  check_shape("embed_tokens", "cls", cls, {x.dim(2)});
  check_shape("embed_tokens", "position", position, {x.dim(1) + 1, x.dim(2)});
  check_parameter("embed_tokens", "cls", cls, x);
  check_parameter("embed_tokens", "position", position, x);
  Tensor y = Tensor::empty(x.shape().with(1, x.dim(1) + 1), x.dtype(), x.device());
  embed_tokens_kernels.forward(x.device(), y, x, cls, position);
  return y;
}

Tensor embed_tokens_backward_input(const Tensor& dy) {
  check_dy(dy);
  Tensor dx = Tensor::empty(dy.shape().with(1, dy.dim(1) - 1), dy.dtype(), dy.device());
  embed_tokens_kernels.backward_input(dy.device(), dx, dy);
  return dx;
}

void embed_tokens_backward_cls(const Tensor& dy, Tensor& dcls) {
  check_dy(dy);
  check_shape("embed_tokens", "dcls", dcls, {dy.dim(2)});
  check_parameter("embed_tokens", "dcls", dcls, dy);
  embed_tokens_kernels.backward_cls(dy.device(), dcls, dy);
}

void embed_tokens_backward_position(const Tensor& dy, Tensor& dposition) {
  check_dy(dy);
  check_shape("embed_tokens", "dposition", dposition, {dy.dim(1), dy.dim(2)});
  check_parameter("embed_tokens", "dposition", dposition, dy);
  embed_tokens_kernels.backward_position(dy.device(), dposition, dy);
}

}  // namespace salu
