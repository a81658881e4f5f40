// SPDX-License-Identifier: MIT
#include "core/ops/select_token.h"

#include "autograd/functions.h"

namespace salu {

Variable select_token(const Variable& x, std::int64_t index) {
  return record("select_token", select_token_forward(x.value(), index), {x},
                [shape = x.shape(), index](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, select_token_backward(dy, shape, index));
                },
                {{"index", index}});
}

}  // namespace salu
