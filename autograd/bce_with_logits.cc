// SPDX-License-Identifier: MIT
#include "core/ops/bce_with_logits.h"

#include "autograd/functions.h"

namespace salu {

Variable bce_with_logits(const Variable& logits, const Tensor& targets) {
  return record("bce_with_logits", bce_with_logits_forward(logits.value(), targets), {logits},
                [x = logits.value(), targets](const Tensor& dloss, Gradients& gradients) {
                  gradients.set(0, bce_with_logits_backward(dloss, x, targets));
                });
}

}  // namespace salu
