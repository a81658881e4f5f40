// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/norm.h"

namespace salu {

/// Layer normalization: every row of C numbers to mean 0 and variance 1.
/// Forward:  y = gamma_c h + beta_c, h = (x - m) r, r = 1/sqrt(v + eps);
///           m, v: mean and biased variance of the row
/// Backward: with g = dy gamma: dx = r (g - mean(g) - h mean(g h)), means over the row;
///           dgamma = sum dy h, dbeta = sum dy over the rows
/// Shapes:   x, y (...,C) of rank 1 to 4, C >= 1; gamma, beta (C); m, r one per row
/// Saved:    x, m, r
/// Grad:     dx =, dgamma +=, dbeta +=
/// Ref:      Ba et al. 2016, section 3
NormResult layer_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps);
Tensor layer_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, NormSums sums);

struct LayerNormKernels {
  Kernel<void(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps)>
      forward;
  Kernel<void(Tensor& dx, NormSums sums, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved)>
      backward;
};
extern LayerNormKernels layer_norm_kernels;

}  // namespace salu
