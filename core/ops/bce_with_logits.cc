// SPDX-License-Identifier: MIT
#include "core/ops/bce_with_logits.h"

namespace salu {
namespace {

void check_inputs(const Tensor& logits, const Tensor& targets) {
  check(logits.shape().rank() == 2 && logits.numel() > 0,
        "[bce_with_logits] expected logits (B,K) with B, K >= 1, got {}", logits.shape().str());
  check_shape("bce_with_logits", "targets", targets, logits.shape());
  check_parameter("bce_with_logits", "targets", targets, logits);
}

}  // namespace

Tensor bce_with_logits_forward(const Tensor& logits, const Tensor& targets) {
  check_inputs(logits, targets);
  Tensor loss = Tensor::empty({1}, targets.dtype(), logits.device());
  bce_with_logits_kernels.forward(logits.device(), loss, logits, targets);
  return loss;
}

Tensor bce_with_logits_backward(const Tensor& dloss, const Tensor& logits, const Tensor& targets) {
  check_inputs(logits, targets);
  check_shape("bce_with_logits", "dloss", dloss, {1});
  check_parameter("bce_with_logits", "dloss", dloss, logits);
  Tensor dlogits = Tensor::empty(logits.shape(), logits.dtype(), logits.device());
  bce_with_logits_kernels.backward(logits.device(), dlogits, dloss, logits, targets);
  return dlogits;
}

}  // namespace salu
