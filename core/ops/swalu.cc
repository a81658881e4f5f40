// SPDX-License-Identifier: MIT
#include "core/ops/swalu.h"

namespace salu {

Tensor swalu_forward(const Tensor& x, const CoefficientPair& pair, Positive positive) {
  check_coefficients("swalu", x, pair);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  swalu_kernels.forward(x.device(), y, x, pair, positive);
  return y;
}

Tensor swalu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& pair, CoefficientPair& dpair,
                      Positive positive) {
  check_like("swalu", x, dy);
  check_coefficients("swalu", x, pair);
  check_coefficients("swalu", x, dpair);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  swalu_kernels.backward(x.device(), dx, dy, x, pair, dpair, positive);
  return dx;
}

}  // namespace salu
