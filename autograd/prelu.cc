// SPDX-License-Identifier: MIT
#include "core/ops/prelu.h"

#include "autograd/functions.h"

namespace salu {

Variable prelu(const Variable& x, const Variable& slope) {
  return record("prelu", prelu_forward(x.value(), slope.value()), {x, slope},
                [x = x.value(), slope = slope.value()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, prelu_backward(dy, x, slope, gradients.sum_if_wanted(1)));
                });
}

}  // namespace salu
