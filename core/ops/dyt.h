// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Parameter gradients of dyt; null: not wanted.
struct DytSums {
  Tensor* alpha = nullptr;
  Tensor* gamma = nullptr;
  Tensor* beta = nullptr;
};

/// Dynamic tanh: stands where a normalization stood, without statistics.
/// Forward:  y = gamma_c t + beta_c, t = tanh(alpha x)
/// Backward: du = dy gamma_c (1 - t^2); dx = alpha du; dalpha = sum du x; dgamma_c = sum dy t;
///           dbeta_c = sum dy
/// Shapes:   x, y (...,C); alpha (1); gamma, beta (C)
/// Saved:    x, alpha, gamma
/// Grad:     dx =, dalpha +=, dgamma +=, dbeta +=
/// Ref:      Zhu et al. 2025, arXiv 2503.10622
Tensor dyt_forward(const Tensor& x, const Tensor& alpha, const Tensor& gamma, const Tensor& beta);
Tensor dyt_backward(const Tensor& dy, const Tensor& x, const Tensor& alpha, const Tensor& gamma,
                    DytSums sums);

struct DytKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& alpha, const Tensor& gamma, const Tensor& beta)>
      forward;
  Kernel<void(Tensor& dx, DytSums sums, const Tensor& dy, const Tensor& x, const Tensor& alpha,
              const Tensor& gamma)>
      backward;
};
extern DytKernels dyt_kernels;

}  // namespace salu
