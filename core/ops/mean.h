// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Mean of all elements.
/// Forward:  y = sum x / n, n >= 1 the number of elements
/// Backward: dx = dy / n for every element
/// Shapes:   x any rank; y (1)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      linearity
Tensor mean_forward(const Tensor& x);
Tensor mean_backward(const Tensor& dy, const Shape& x_shape);

struct MeanKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward;
};
extern MeanKernels mean_kernels;

}  // namespace salu
