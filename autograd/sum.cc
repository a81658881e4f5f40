// SPDX-License-Identifier: MIT
#include "core/ops/sum.h"

#include "autograd/functions.h"

namespace salu {

Variable sum(const Variable& x) {
  return record("sum", sum_forward(x.value()), {x},
                [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, sum_backward(dy, shape));
                });
}

}  // namespace salu
