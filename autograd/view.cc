// SPDX-License-Identifier: MIT
#include "autograd/functions.h"

namespace salu {

Variable view(const Variable& x, Shape shape) {
  return record(
      "view", x.value().view(shape), {x},
      [from = x.shape()](const Tensor& dy, Gradients& gradients) { gradients.set(0, dy.view(from)); });
}

}  // namespace salu
