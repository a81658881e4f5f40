// SPDX-License-Identifier: MIT
#include "core/ops/relu.h"

#include "autograd/functions.h"

namespace salu {

Variable relu(const Variable& x) {
  Tensor y = relu_forward(x.value());
  return record("relu", y, {x},
                [y](const Tensor& dy, Gradients& gradients) { gradients.set(0, relu_backward(dy, y)); });
}

}  // namespace salu
