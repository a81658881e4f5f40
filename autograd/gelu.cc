// SPDX-License-Identifier: MIT
#include "core/ops/gelu.h"

#include "autograd/functions.h"

namespace salu {

Variable gelu(const Variable& x, GeluKind kind) {
  return record("gelu", gelu_forward(x.value(), kind), {x},
                [x = x.value(), kind](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, gelu_backward(dy, x, kind));
                },
                {{"kind", kind}});
}

}  // namespace salu
