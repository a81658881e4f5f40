// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Sum of all elements.
/// Forward:  y = sum x; 0 for an empty x
/// Backward: dx = dy for every element
/// Shapes:   x any rank; y (1)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      linearity
Tensor sum_forward(const Tensor& x);
Tensor sum_backward(const Tensor& dy, const Shape& x_shape);

struct SumKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward;
};
extern SumKernels sum_kernels;

}  // namespace salu
