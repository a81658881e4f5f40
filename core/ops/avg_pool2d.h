// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// Mean of each window. Padding counts as zeros that are averaged too (PyTorch's count_include_pad).
/// Forward:  y[n,p,q,c] = 1/k^2 sum over r, s < k of x[n, p stride - padding + r, q stride - padding + s, c],
///           k the kernel
/// Backward: dx[n,h,w,c] = sum of dy / k^2 over the windows that cover it
/// Shapes:   x (N,H,W,C), y (N,P,Q,C), P = floor((H + 2 padding - k) / stride) + 1
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      -
Tensor avg_pool2d_forward(const Tensor& x, Pool2dOptions options);
Tensor avg_pool2d_backward(const Tensor& dy, const Shape& x_shape, Pool2dOptions options);

struct AvgPool2dKernels {
  Kernel<void(Tensor& y, const Tensor& x, Pool2dOptions options)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, Pool2dOptions options)> backward;
};
extern AvgPool2dKernels avg_pool2d_kernels;

}  // namespace salu
