// SPDX-License-Identifier: MIT
#include "core/ops/scale.h"

#include "autograd/functions.h"

namespace salu {

Variable scale(const Variable& x, double factor) {
  return record(
      "scale", scale_forward(x.value(), factor), {x},
      [factor](const Tensor& dy, Gradients& gradients) { gradients.set(0, scale_forward(dy, factor)); });
}

}  // namespace salu
