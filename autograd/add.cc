// SPDX-License-Identifier: MIT
#include "core/ops/add.h"

#include "autograd/functions.h"

namespace salu {

Variable add(const Variable& a, const Variable& b) {
  return record("add", add_forward(a.value(), b.value()), {a, b}, [](const Tensor& dy, Gradients& gradients) {
    gradients.set(0, dy);
    gradients.set(1, dy);
  });
}

}  // namespace salu
