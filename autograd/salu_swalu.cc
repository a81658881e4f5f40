// SPDX-License-Identifier: MIT
#include "core/ops/salu_swalu.h"

#include "autograd/coefficients.h"
#include "autograd/functions.h"

namespace salu {

Variable salu_swalu(const Variable& x, const Variable& sp, const Variable& sq, const Variable& gp,
                    const Variable& gq, Positive positive) {
  const CoefficientPair stabilizer{sp.value(), sq.value()}, gate{gp.value(), gq.value()};
  return record("salu_swalu", salu_swalu_forward(x.value(), stabilizer, gate, positive), {x, sp, sq, gp, gq},
                [x = x.value(), stabilizer, gate, positive](const Tensor& dy, Gradients& gradients) {
                  CoefficientPair dstabilizer = coefficient_gradients(gradients, 1, stabilizer);
                  CoefficientPair dgate = coefficient_gradients(gradients, 3, gate);
                  gradients.set(0,
                                salu_swalu_backward(dy, x, stabilizer, gate, dstabilizer, dgate, positive));
                },
                {{"positive", positive}});
}

}  // namespace salu
