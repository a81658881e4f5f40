// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Binary cross entropy of every class by itself, mean over the batch and the classes.
/// Forward:  loss = 1/(BK) sum_bk [softplus(x_bk) - t_bk x_bk] = -1/(BK) sum t ln p + (1-t) ln (1-p), p =
///           sigmoid(x)
/// Backward: dlogits_bk = dloss/(BK) (p_bk - t_bk)
/// Shapes:   logits x, targets t (B,K), B and K at least 1; loss (1). Of one dtype; beside bf16 logits all
///           others are f32
/// Saved:    logits, targets
/// Grad:     dlogits =; the targets take none
/// Ref:      Wightman et al. 2021, arXiv 2110.00476 (classification by K binary decisions)
Tensor bce_with_logits_forward(const Tensor& logits, const Tensor& targets);
Tensor bce_with_logits_backward(const Tensor& dloss, const Tensor& logits, const Tensor& targets);

struct BceWithLogitsKernels {
  Kernel<void(Tensor& loss, const Tensor& logits, const Tensor& targets)> forward;
  Kernel<void(Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets)> backward;
};
extern BceWithLogitsKernels bce_with_logits_kernels;

}  // namespace salu
