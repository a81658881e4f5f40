// SPDX-License-Identifier: MIT
#include "core/ops/salu_swalu.h"

namespace salu {

Tensor salu_swalu_forward(const Tensor& x, const CoefficientPair& stabilizer, const CoefficientPair& gate,
                          Positive positive) {
  check_coefficients("salu_swalu", x, stabilizer);
  check_coefficients("salu_swalu", x, gate);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  salu_swalu_kernels.forward(x.device(), y, x, stabilizer, gate, positive);
  return y;
}

Tensor salu_swalu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& stabilizer,
                           const CoefficientPair& gate, CoefficientPair& dstabilizer, CoefficientPair& dgate,
                           Positive positive) {
  check_like("salu_swalu", x, dy);
  for (const CoefficientPair& pair : {stabilizer, gate, dstabilizer, dgate})
    check_coefficients("salu_swalu", x, pair);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  salu_swalu_kernels.backward(x.device(), dx, dy, x, stabilizer, gate, dstabilizer, dgate, positive);
  return dx;
}

}  // namespace salu
