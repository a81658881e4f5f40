// SPDX-License-Identifier: MIT
/// Softmax and losses.
#pragma once

#include <cmath>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Softmax over the last dimension.
/// Forward:  y_c = exp(x_c - m) / sum_k exp(x_k - m), m = max x
/// Backward: dx_c = y_c (dy_c - sum_k dy_k y_k)
/// Shapes:   x, y (...,C)
/// Saved:    y
/// Grad:     dx =
/// Ref:      Bridle 1990
Tensor softmax_forward(const Tensor& x);
Tensor softmax_backward(const Tensor& dy, const Tensor& y);

struct SoftmaxKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& y)> backward;
};
extern SoftmaxKernels softmax_kernels;

struct CrossEntropy {
  Tensor loss;           ///< (1)
  Tensor probabilities;  ///< (B,K): softmax(logits)
};

/// Cross entropy of soft targets, mean over the batch.
/// Forward:  loss = -1/B sum_b sum_k t_bk ln p_bk, p = softmax(logits)
/// Backward: dlogits_bk = dloss/B (p_bk sum_j t_bj - t_bk): rows of t need not sum to 1
/// Shapes:   logits, targets (B,K), B and K at least 1; loss (1). Of one dtype; with bf16 logits all
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

/// Binary cross entropy of every class by itself, mean over the batch and the classes.
/// Forward:  loss = 1/(BK) sum_bk [softplus(x_bk) - t_bk x_bk] = -1/(BK) sum t ln p + (1-t) ln (1-p), p =
///           sigmoid(x)
/// Backward: dlogits_bk = dloss/(BK) (p_bk - t_bk)
/// Shapes:   logits x, targets t (B,K), B and K at least 1; loss (1). Of one dtype; with bf16 logits all
///           others are f32
/// Saved:    logits, targets
/// Grad:     dlogits =; the targets take none
/// Ref:      Wightman et al. 2021, arXiv 2110.00476 (classification by K binary decisions)
Tensor bce_with_logits_forward(const Tensor& logits, const Tensor& targets);
Tensor bce_with_logits_backward(const Tensor& dloss, const Tensor& logits, const Tensor& targets);

/// The terms of bce_with_logits, for the CPU and for CUDA. ln(1 + e^x) is max(x, 0) + ln(1 + e^-|x|): nothing
/// overflows.
template <class T>
constexpr T bce_value(T x, T t) {
  return (x > T(0) ? x : T(0)) - t * x + std::log1p(std::exp(-std::abs(x)));
}
template <class T>
constexpr T bce_slope(T x, T t) {
  return T(1) / (T(1) + std::exp(-x)) - t;
}

struct BceWithLogitsKernels {
  Kernel<void(Tensor& loss, const Tensor& logits, const Tensor& targets)> forward;
  Kernel<void(Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets)> backward;
};
extern BceWithLogitsKernels bce_with_logits_kernels;

}  // namespace salu
