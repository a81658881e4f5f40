// SPDX-License-Identifier: MIT
#include "core/ops/squash.h"

#include "autograd/functions.h"

namespace salu {

Variable dyt(const Variable& x, const Variable& alpha, const Variable& gamma, const Variable& beta) {
  const SquashCoefficients c{alpha.value(), {}, gamma.value(), beta.value()};
  return record("dyt", squash_forward(dyt_kernels, x.value(), c), {x, alpha, gamma, beta},
                [x = x.value(), c](const Tensor& dy, Gradients& gradients) {
                  const SquashSums sums{gradients.sum_if_wanted(1), nullptr, gradients.sum_if_wanted(2),
                                        gradients.sum_if_wanted(3)};
                  gradients.set(0, squash_backward(dyt_kernels, dy, x, c, sums));
                });
}

Variable derf(const Variable& x, const Variable& alpha, const Variable& shift, const Variable& gamma,
              const Variable& beta) {
  const SquashCoefficients c{alpha.value(), shift.value(), gamma.value(), beta.value()};
  return record("derf", squash_forward(derf_kernels, x.value(), c), {x, alpha, shift, gamma, beta},
                [x = x.value(), c](const Tensor& dy, Gradients& gradients) {
                  const SquashSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2),
                                        gradients.sum_if_wanted(3), gradients.sum_if_wanted(4)};
                  gradients.set(0, squash_backward(derf_kernels, dy, x, c, sums));
                });
}

}  // namespace salu
