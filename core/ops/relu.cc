// SPDX-License-Identifier: MIT
#include "core/ops/relu.h"

namespace salu {

Tensor relu_forward(const Tensor& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  relu_kernels.forward(x.device(), y, x);
  return y;
}

Tensor relu_backward(const Tensor& dy, const Tensor& y) {
  check_like("relu", y, dy);
  Tensor dx = Tensor::empty(y.shape(), y.dtype(), y.device());
  relu_kernels.backward(y.device(), dx, dy, y);
  return dx;
}

}  // namespace salu
