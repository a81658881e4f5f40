// SPDX-License-Identifier: MIT
#pragma once

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

}  // namespace salu
