// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Parameter gradients of derf; null: not wanted.
struct DerfSums {
  Tensor* alpha = nullptr;
  Tensor* shift = nullptr;
  Tensor* gamma = nullptr;
  Tensor* beta = nullptr;
};

/// Dynamic erf: stands where a normalization stood, without statistics.
/// Forward:  y = gamma_c erf(u) + beta_c, u = alpha x + shift
/// Backward: du = dy gamma_c 2/sqrt(pi) exp(-u^2); dx = alpha du; dalpha = sum du x; dshift = sum du;
///           dgamma_c = sum dy erf(u); dbeta_c = sum dy
/// Shapes:   x, y (...,C); alpha, shift (1); gamma, beta (C)
/// Saved:    x, alpha, shift, gamma
/// Grad:     dx =, dalpha +=, dshift +=, dgamma +=, dbeta +=
/// Ref:      arXiv 2512.10938
Tensor derf_forward(const Tensor& x, const Tensor& alpha, const Tensor& shift, const Tensor& gamma,
                    const Tensor& beta);
Tensor derf_backward(const Tensor& dy, const Tensor& x, const Tensor& alpha, const Tensor& shift,
                     const Tensor& gamma, DerfSums sums);

struct DerfKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& alpha, const Tensor& shift, const Tensor& gamma,
              const Tensor& beta)>
      forward;
  Kernel<void(Tensor& dx, DerfSums sums, const Tensor& dy, const Tensor& x, const Tensor& alpha,
              const Tensor& shift, const Tensor& gamma)>
      backward;
};
extern DerfKernels derf_kernels;

}  // namespace salu
