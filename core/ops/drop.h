// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/rng.h"
#include "core/tensor.h"

namespace salu {

/// Sets elements to zero at random.
/// Forward:  y_i = x_i / (1 - p) where u_i >= p, else 0; u_i = to_uniform(key.block(i / 4)[i % 4])
/// Backward: dx_i = dy_i / (1 - p) where u_i >= p, else 0: the same function with the same key
/// Shapes:   x, y alike, any rank; 0 <= p < 1. With p = 0, y is x itself
/// Saved:    nothing: the mask is a function of the key
/// Grad:     dx =
/// Ref:      Srivastava et al. 2014
Tensor dropout_forward(const Tensor& x, double p, const RandomKey& key);

struct DropoutKernels {
  Kernel<void(Tensor& y, const Tensor& x, double p, const RandomKey& key)> forward;
};
extern DropoutKernels dropout_kernels;

/// Stochastic depth: sets whole samples to zero at random.
/// Forward:  y_b = x_b / (1 - p) where u_b >= p, else 0; u_b = to_uniform(key.block(b / 4)[b % 4])
/// Backward: dx_b = dy_b / (1 - p) where u_b >= p, else 0: the same function with the same key
/// Shapes:   x, y (B,...); 0 <= p < 1. With p = 0, y is x itself
/// Saved:    nothing: the mask is a function of the key
/// Grad:     dx =
/// Ref:      Huang et al. 2016, arXiv 1603.09382
Tensor drop_path_forward(const Tensor& x, double p, const RandomKey& key);

struct DropPathKernels {
  Kernel<void(Tensor& y, const Tensor& x, double p, const RandomKey& key)> forward;
};
extern DropPathKernels drop_path_kernels;

}  // namespace salu
