// SPDX-License-Identifier: MIT
#include "core/ops/softmax.h"

#include "autograd/functions.h"

namespace salu {

Variable softmax(const Variable& x) {
  Tensor y = softmax_forward(x.value());
  return record("softmax", y, {x},
                [y](const Tensor& dy, Gradients& gradients) { gradients.set(0, softmax_backward(dy, y)); });
}

}  // namespace salu
