// SPDX-License-Identifier: MIT
#include "core/ops/mean.h"

#include "autograd/functions.h"

namespace salu {

Variable mean(const Variable& x) {
  return record("mean", mean_forward(x.value()), {x},
                [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, mean_backward(dy, shape));
                });
}

}  // namespace salu
