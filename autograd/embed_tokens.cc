// SPDX-License-Identifier: MIT
#include "core/ops/embed_tokens.h"

#include "autograd/functions.h"

namespace salu {

Variable embed_tokens(const Variable& x, const Variable& cls, const Variable& position) {
  return record("embed_tokens", embed_tokens_forward(x.value(), cls.value(), position.value()),
                {x, cls, position}, [](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, embed_tokens_backward_input(dy));
                  if (gradients.wanted(1)) embed_tokens_backward_cls(dy, gradients.sum(1));
                  if (gradients.wanted(2)) embed_tokens_backward_position(dy, gradients.sum(2));
                });
}

}  // namespace salu
