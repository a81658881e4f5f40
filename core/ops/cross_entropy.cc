// SPDX-License-Identifier: MIT
#include "core/ops/cross_entropy.h"

namespace salu {

CrossEntropy cross_entropy_forward(const Tensor& logits, const Tensor& targets) {
  check(logits.shape().rank() == 2 && logits.numel() > 0,
        "[cross_entropy] expected logits (B,K) with B, K >= 1, got {}", logits.shape().str());
  check_shape("cross_entropy", "targets", targets, logits.shape());
  check_parameter("cross_entropy", "targets", targets, logits);
  CrossEntropy out{Tensor::empty({1}, targets.dtype(), logits.device()),
                   Tensor::empty(logits.shape(), targets.dtype(), logits.device())};
  cross_entropy_kernels.forward(logits.device(), out.loss, out.probabilities, logits, targets);
  return out;
}

Tensor cross_entropy_backward(const Tensor& dloss, const Tensor& probabilities, const Tensor& targets,
                              DType dtype) {
  check_shape("cross_entropy", "dloss", dloss, {1});
  check_like("cross_entropy", probabilities, targets);
  Tensor dlogits = Tensor::empty(targets.shape(), dtype, targets.device());
  check_parameter("cross_entropy", "targets", targets, dlogits);
  cross_entropy_kernels.backward(targets.device(), dlogits, dloss, probabilities, targets);
  return dlogits;
}

}  // namespace salu
