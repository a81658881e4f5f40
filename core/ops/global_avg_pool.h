// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Mean over the pixels of each channel: the last step before the classifier of a ResNet.
/// Forward:  y[n,c] = mean over h, w of x[n,h,w,c]
/// Backward: dx[n,h,w,c] = dy[n,c] / (H W)
/// Shapes:   x (N,H,W,C) with H, W >= 1, y (N,C)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      Lin et al. 2013, section 3.2
Tensor global_avg_pool_forward(const Tensor& x);
Tensor global_avg_pool_backward(const Tensor& dy, const Shape& x_shape);

struct GlobalAvgPoolKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward;
};
extern GlobalAvgPoolKernels global_avg_pool_kernels;

}  // namespace salu
