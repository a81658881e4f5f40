// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

struct CrossEntropy {
  Tensor loss;           ///< (1)
  Tensor probabilities;  ///< (B,K): softmax(logits)
};

/// Cross entropy of soft targets, mean over the batch.
/// Forward:  loss = -1/B sum_b sum_k t_bk ln p_bk, p = softmax(logits)
/// Backward: dlogits_bk = dloss/B (p_bk sum_j t_bj - t_bk): rows of t need not sum to 1
/// Shapes:   logits, targets (B,K), B and K at least 1; loss (1). Of one dtype; beside bf16 logits all
///           others are f32
/// Saved:    probabilities, targets
/// Grad:     dlogits =; the targets take none
/// Ref:      Szegedy et al. 2016, arXiv 1512.00567, section 7 (soft targets)
CrossEntropy cross_entropy_forward(const Tensor& logits, const Tensor& targets);
Tensor cross_entropy_backward(const Tensor& dloss, const Tensor& probabilities, const Tensor& targets,
                              DType dtype);  ///< dlogits, of the logits' dtype

struct CrossEntropyKernels {
  Kernel<void(Tensor& loss, Tensor& probabilities, const Tensor& logits, const Tensor& targets)> forward;
  Kernel<void(Tensor& dlogits, const Tensor& dloss, const Tensor& probabilities, const Tensor& targets)>
      backward;
};
extern CrossEntropyKernels cross_entropy_kernels;

}  // namespace salu
