// SPDX-License-Identifier: MIT
#include "core/ops/mul.h"

#include "autograd/functions.h"

namespace salu {

Variable mul(const Variable& a, const Variable& b) {
  return record("mul", mul_forward(a.value(), b.value()), {a, b},
                [a = a.value(), b = b.value()](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, mul_forward(dy, b));
                  if (gradients.wanted(1)) gradients.set(1, mul_forward(dy, a));
                });
}

}  // namespace salu
