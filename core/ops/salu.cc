// SPDX-License-Identifier: MIT
#include "core/ops/salu.h"

namespace salu {

Tensor salu_forward(const Tensor& x, const CoefficientPair& pair, Positive positive) {
  check_coefficients("salu", x, pair);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  salu_kernels.forward(x.device(), y, x, pair, positive);
  return y;
}

Tensor salu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& pair, CoefficientPair& dpair,
                     Positive positive) {
  check_like("salu", x, dy);
  check_coefficients("salu", x, pair);
  check_coefficients("salu", x, dpair);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  salu_kernels.backward(x.device(), dx, dy, x, pair, dpair, positive);
  return dx;
}

}  // namespace salu
