// SPDX-License-Identifier: MIT
/// Batch, group and layer normalization.
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Parameter gradients of a normalization; null: not needed.
struct NormSums {
  Tensor* gamma = nullptr;
  Tensor* beta = nullptr;
};

/// Statistics saved for the backward pass: mean and r = 1/sqrt(variance + eps) per channel, row or group.
struct NormStatistics {
  Tensor mean;
  Tensor rstd;
};

struct NormResult {
  Tensor y;
  NormStatistics saved;
};

/// The kernels of layer and group normalization.
struct NormKernels {
  Kernel<void(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps)>
      forward;
  Kernel<void(Tensor& dx, NormSums sums, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved)>
      backward;
};

/// Throws unless the arguments of a backward pass fit x (...,C). `statistics` is the shape of a saved tensor.
void check_norm_backward(const char* op, const Tensor& x, const Tensor& gamma, const NormStatistics& saved,
                         const Shape& statistics, NormSums sums);

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

extern NormKernels group_norm_kernels;

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

extern NormKernels layer_norm_kernels;

}  // namespace salu
