// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/norm.h"

namespace salu {

struct BatchNormOptions {
  bool training = true;
  double momentum = 0.1;  ///< weight of this batch in the running statistics
  double eps = 1e-5;
};

/// Batch normalization: every channel to mean 0 and variance 1 over the batch and its pixels.
/// Forward:  y = gamma_c (x - m_c) r_c + beta_c, r_c = 1/sqrt(v_c + eps); m, v: mean and biased variance over
///           the M values of channel c in training, else the running ones. Training updates those in place:
///           running = (1 - momentum) running + momentum (m, v M/(M-1))
/// Backward: with h = (x - m) r: dbeta = sum dy, dgamma = sum dy h;
///           training: dx = gamma r (dy - dbeta/M - h dgamma/M), else dx = gamma r dy
/// Shapes:   x, y (...,C) of rank 2 to 4, M >= 2 in training; gamma, beta, running mean and variance (C)
/// Saved:    x, m, r
/// Grad:     dx =, dgamma +=, dbeta +=
/// Ref:      Ioffe & Szegedy 2015, algorithm 1
NormResult batch_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                              Tensor& running_var, BatchNormOptions options);
Tensor batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, bool training, NormSums sums);

struct BatchNormKernels {
  Kernel<void(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
              Tensor& running_mean, Tensor& running_var, BatchNormOptions options)>
      forward;
  Kernel<void(Tensor& dx, NormSums sums, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved, bool training)>
      backward;
};
extern BatchNormKernels batch_norm_kernels;

}  // namespace salu
