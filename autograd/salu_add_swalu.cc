// SPDX-License-Identifier: MIT
#include "core/ops/salu_add_swalu.h"

#include "autograd/coefficients.h"
#include "autograd/functions.h"

namespace salu {

Variable salu_add_swalu(const Variable& x, const Variable& residual, const Variable& sp, const Variable& sq,
                        const Variable& gp, const Variable& gq, Positive positive) {
  const CoefficientPair stabilizer{sp.value(), sq.value()}, gate{gp.value(), gq.value()};
  return record(
      "salu_add_swalu", salu_add_swalu_forward(x.value(), residual.value(), stabilizer, gate, positive),
      {x, residual, sp, sq, gp, gq},
      [x = x.value(), residual = residual.value(), stabilizer, gate, positive](const Tensor& dy,
                                                                               Gradients& gradients) {
        CoefficientPair dstabilizer = coefficient_gradients(gradients, 2, stabilizer);
        CoefficientPair dgate = coefficient_gradients(gradients, 4, gate);
        auto [dx, dresidual] =
            salu_add_swalu_backward(dy, x, residual, stabilizer, gate, dstabilizer, dgate, positive);
        gradients.set(0, std::move(dx));
        gradients.set(1, std::move(dresidual));
      },
      {{"positive", positive}});
}

}  // namespace salu
