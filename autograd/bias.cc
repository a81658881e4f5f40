// SPDX-License-Identifier: MIT
#include "core/ops/bias.h"

#include "autograd/functions.h"

namespace salu {

Variable bias(const Variable& x, const Variable& b) {
  return record("bias", bias_forward(x.value(), b.value()), {x, b},
                [](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, dy);
                  if (gradients.wanted(1)) bias_backward(dy, gradients.sum(1));
                });
}

}  // namespace salu
