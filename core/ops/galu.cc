// SPDX-License-Identifier: MIT
#include "core/ops/galu.h"

namespace salu {

Tensor galu_forward(const Tensor& x, const CoefficientPair& pair, Positive positive) {
  check_coefficients("galu", x, pair);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  galu_kernels.forward(x.device(), y, x, pair, positive);
  return y;
}

Tensor galu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& pair, CoefficientPair& dpair,
                     Positive positive) {
  check_like("galu", x, dy);
  check_coefficients("galu", x, pair);
  check_coefficients("galu", x, dpair);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  galu_kernels.backward(x.device(), dx, dy, x, pair, dpair, positive);
  return dx;
}

}  // namespace salu
