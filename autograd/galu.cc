// SPDX-License-Identifier: MIT
#include "core/ops/galu.h"

#include "autograd/coefficients.h"
#include "autograd/functions.h"

namespace salu {

Variable galu(const Variable& x, const Variable& p, const Variable& q, Positive positive) {
  const CoefficientPair pair{p.value(), q.value()};
  return record("galu", galu_forward(x.value(), pair, positive), {x, p, q},
                [x = x.value(), pair, positive](const Tensor& dy, Gradients& gradients) {
                  CoefficientPair dpair = coefficient_gradients(gradients, 1, pair);
                  gradients.set(0, galu_backward(dy, x, pair, dpair, positive));
                },
                {{"positive", positive}});
}

}  // namespace salu
