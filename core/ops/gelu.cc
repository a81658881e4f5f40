// SPDX-License-Identifier: MIT
#include "core/ops/gelu.h"

namespace salu {

Tensor gelu_forward(const Tensor& x, GeluKind kind) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  gelu_kernels.forward(x.device(), y, x, kind);
  return y;
}

Tensor gelu_backward(const Tensor& dy, const Tensor& x, GeluKind kind) {
  check_like("gelu", x, dy);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  gelu_kernels.backward(x.device(), dx, dy, x, kind);
  return dx;
}

}  // namespace salu
