// SPDX-License-Identifier: MIT
#include "core/ops/drop_path.h"

#include "autograd/functions.h"

namespace salu {

Variable drop_path(const Variable& x, double p, RandomKey key) {
  if (p == 0) return x;
  return record(
      "drop_path", drop_path_forward(x.value(), p, key), {x},
      [p, key](const Tensor& dy, Gradients& gradients) { gradients.set(0, drop_path_forward(dy, p, key)); });
}

}  // namespace salu
