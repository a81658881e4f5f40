// SPDX-License-Identifier: MIT
#include "core/ops/patchify.h"

#include "autograd/functions.h"

namespace salu {

Variable patchify(const Variable& images, std::int64_t patch) {
  return record("patchify", patchify_forward(images.value(), patch), {images},
                [shape = images.shape(), patch](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, patchify_backward(dy, shape, patch));
                });
}

}  // namespace salu
