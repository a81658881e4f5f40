// SPDX-License-Identifier: MIT
#include "core/ops/tokens.h"

#include "autograd/functions.h"

namespace salu {

Variable patchify(const Variable& images, std::int64_t patch) {
  return record("patchify", patchify_forward(images.value(), patch), {images},
                [shape = images.shape(), patch](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, patchify_backward(dy, shape, patch));
                });
}

Variable embed_tokens(const Variable& x, const Variable& cls, const Variable& position) {
  return record("embed_tokens", embed_tokens_forward(x.value(), cls.value(), position.value()),
                {x, cls, position}, [](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, embed_tokens_backward_input(dy));
                  if (gradients.wanted(1)) embed_tokens_backward_cls(dy, gradients.sum(1));
                  if (gradients.wanted(2)) embed_tokens_backward_position(dy, gradients.sum(2));
                });
}

Variable select_token(const Variable& x, std::int64_t index) {
  return record("select_token", select_token_forward(x.value(), index), {x},
                [shape = x.shape(), index](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, select_token_backward(dy, shape, index));
                },
                {{"index", index}});
}

}  // namespace salu
