// SPDX-License-Identifier: MIT
#include "core/ops/swish.h"

#include "autograd/functions.h"

namespace salu {

Variable swish(const Variable& x) {
  return record(
      "swish", swish_forward(x.value()), {x},
      [x = x.value()](const Tensor& dy, Gradients& gradients) { gradients.set(0, swish_backward(dy, x)); });
}

}  // namespace salu
