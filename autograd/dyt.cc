// SPDX-License-Identifier: MIT
#include "core/ops/dyt.h"

#include "autograd/functions.h"

namespace salu {

Variable dyt(const Variable& x, const Variable& alpha, const Variable& gamma, const Variable& beta) {
  return record(
      "dyt", dyt_forward(x.value(), alpha.value(), gamma.value(), beta.value()), {x, alpha, gamma, beta},
      [x = x.value(), alpha = alpha.value(), gamma = gamma.value()](const Tensor& dy, Gradients& gradients) {
        const DytSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2),
                           gradients.sum_if_wanted(3)};
        gradients.set(0, dyt_backward(dy, x, alpha, gamma, sums));
      });
}

}  // namespace salu
