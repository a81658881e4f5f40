// SPDX-License-Identifier: MIT
#include "core/ops/mul.h"

namespace salu {

Tensor mul_forward(const Tensor& a, const Tensor& b) {
  check_like("mul", a, b);
  Tensor y = Tensor::empty(a.shape(), a.dtype(), a.device());
  mul_kernels.forward(a.device(), y, a, b);
  return y;
}

}  // namespace salu
