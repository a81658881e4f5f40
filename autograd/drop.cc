// SPDX-License-Identifier: MIT
#include "core/ops/drop.h"

#include "autograd/functions.h"

namespace salu {

Variable dropout(const Variable& x, double p, RandomKey key) {
  if (p == 0) return x;
  return record(
      "dropout", dropout_forward(x.value(), p, key), {x},
      [p, key](const Tensor& dy, Gradients& gradients) { gradients.set(0, dropout_forward(dy, p, key)); });
}

Variable drop_path(const Variable& x, double p, RandomKey key) {
  if (p == 0) return x;
  return record(
      "drop_path", drop_path_forward(x.value(), p, key), {x},
      [p, key](const Tensor& dy, Gradients& gradients) { gradients.set(0, drop_path_forward(dy, p, key)); });
}

}  // namespace salu
