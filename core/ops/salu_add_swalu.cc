// SPDX-License-Identifier: MIT
#include "core/ops/salu_add_swalu.h"

namespace salu {

Tensor salu_add_swalu_forward(const Tensor& x, const Tensor& residual, const CoefficientPair& stabilizer,
                              const CoefficientPair& gate, Positive positive) {
  check_like("salu_add_swalu", x, residual);
  check_coefficients("salu_add_swalu", x, stabilizer);
  check_coefficients("salu_add_swalu", x, gate);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  salu_add_swalu_kernels.forward(x.device(), y, x, residual, stabilizer, gate, positive);
  return y;
}

SaluAddSwaluGradients salu_add_swalu_backward(const Tensor& dy, const Tensor& x, const Tensor& residual,
                                              const CoefficientPair& stabilizer, const CoefficientPair& gate,
                                              CoefficientPair& dstabilizer, CoefficientPair& dgate,
                                              Positive positive) {
  check_like("salu_add_swalu", x, dy);
  check_like("salu_add_swalu", x, residual);
  for (const CoefficientPair& pair : {stabilizer, gate, dstabilizer, dgate})
    check_coefficients("salu_add_swalu", x, pair);
  SaluAddSwaluGradients out{Tensor::empty(x.shape(), x.dtype(), x.device()),
                            Tensor::empty(x.shape(), x.dtype(), x.device())};
  salu_add_swalu_kernels.backward(x.device(), out.dx, out.dresidual, dy, x, residual, stabilizer, gate,
                                  dstabilizer, dgate, positive);
  return out;
}

}  // namespace salu
