// SPDX-License-Identifier: MIT
#include "core/ops/cross_entropy.h"

#include "autograd/functions.h"

namespace salu {

Variable cross_entropy(const Variable& logits, const Tensor& targets) {
  CrossEntropy result = cross_entropy_forward(logits.value(), targets);
  return record("cross_entropy", result.loss, {logits},
                [probabilities = result.probabilities, targets, dtype = logits.value().dtype()](
                    const Tensor& dloss, Gradients& gradients) {
                  gradients.set(0, cross_entropy_backward(dloss, probabilities, targets, dtype));
                });
}

}  // namespace salu
