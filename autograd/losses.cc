// SPDX-License-Identifier: MIT
#include "core/ops/losses.h"

#include "autograd/functions.h"

namespace salu {

Variable softmax(const Variable& x) {
  Tensor y = softmax_forward(x.value());
  return record("softmax", y, {x},
                [y](const Tensor& dy, Gradients& gradients) { gradients.set(0, softmax_backward(dy, y)); });
}

Variable cross_entropy(const Variable& logits, const Tensor& targets) {
  CrossEntropy result = cross_entropy_forward(logits.value(), targets);
  return record("cross_entropy", result.loss, {logits},
                [probabilities = result.probabilities, targets, dtype = logits.value().dtype()](
                    const Tensor& dloss, Gradients& gradients) {
                  gradients.set(0, cross_entropy_backward(dloss, probabilities, targets, dtype));
                });
}

Variable bce_with_logits(const Variable& logits, const Tensor& targets) {
  return record("bce_with_logits", bce_with_logits_forward(logits.value(), targets), {logits},
                [x = logits.value(), targets](const Tensor& dloss, Gradients& gradients) {
                  gradients.set(0, bce_with_logits_backward(dloss, x, targets));
                });
}

}  // namespace salu
