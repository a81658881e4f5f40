// SPDX-License-Identifier: MIT
#include "core/ops/derf.h"

#include "autograd/functions.h"

namespace salu {

Variable derf(const Variable& x, const Variable& alpha, const Variable& shift, const Variable& gamma,
              const Variable& beta) {
  return record("derf", derf_forward(x.value(), alpha.value(), shift.value(), gamma.value(), beta.value()),
                {x, alpha, shift, gamma, beta},
                [x = x.value(), alpha = alpha.value(), shift = shift.value(), gamma = gamma.value()](
                    const Tensor& dy, Gradients& gradients) {
                  const DerfSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2),
                                      gradients.sum_if_wanted(3), gradients.sum_if_wanted(4)};
                  gradients.set(0, derf_backward(dy, x, alpha, shift, gamma, sums));
                });
}

}  // namespace salu
