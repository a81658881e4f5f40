// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/norm.h"

namespace salu {

/// Group normalization: C/G neighbouring channels of a sample, with all their pixels, to mean 0, variance 1.
/// Forward:  y = gamma_c h + beta_c, h = (x - m) r, r = 1/sqrt(v + eps);
///           m, v: mean and biased variance over the H W C/G values of the group
/// Backward: with g = dy gamma: dx = r (g - mean(g) - h mean(g h)), means over the group;
///           dgamma = sum dy h, dbeta = sum dy over samples and pixels
/// Shapes:   x, y (N,H,W,C) or (N,C), G divides C; gamma, beta (C); m, r (N,G)
/// Saved:    x, m, r
/// Grad:     dx =, dgamma +=, dbeta +=
/// Ref:      Wu & He 2018, eq. 7
NormResult group_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::int64_t groups,
                              double eps);
Tensor group_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, NormSums sums);

struct GroupNormKernels {
  Kernel<void(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps)>
      forward;
  Kernel<void(Tensor& dx, NormSums sums, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved)>
      backward;
};
extern GroupNormKernels group_norm_kernels;

}  // namespace salu
