// SPDX-License-Identifier: MIT
#include "core/ops/linear.h"

#include "autograd/functions.h"

namespace salu {

Variable linear(const Variable& x, const Variable& w, const Variable& b) {
  const Tensor &xt = x.value(), &wt = w.value();
  return record("linear", linear_forward(xt, wt, b.value()), {x, w, b},
                [xt, wt](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, linear_backward_input(dy, wt));
                  if (gradients.wanted(1)) linear_backward_weight(dy, xt, gradients.sum(1));
                  if (gradients.wanted(2)) linear_backward_bias(dy, gradients.sum(2));
                });
}

}  // namespace salu
