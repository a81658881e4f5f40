// SPDX-License-Identifier: MIT
#include "core/ops/prelu.h"

namespace salu {

Tensor prelu_forward(const Tensor& x, const Tensor& slope) {
  check_shape("prelu", "slope", slope, {1});
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  prelu_kernels.forward(x.device(), y, x, slope);
  return y;
}

Tensor prelu_backward(const Tensor& dy, const Tensor& x, const Tensor& slope, Tensor* dslope) {
  check_like("prelu", x, dy);
  if (dslope) check_like("prelu", slope, *dslope);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  prelu_kernels.backward(x.device(), dx, dslope, dy, x, slope);
  return dx;
}

}  // namespace salu
