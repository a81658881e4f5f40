// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Rectifier with one learned slope for negative inputs.
/// Forward:  y = x where x > 0, else slope x
/// Backward: dx = dy where x > 0, else slope dy; dslope = sum of dy x over x <= 0
/// Shapes:   x, y alike, any rank; slope (1)
/// Saved:    x, slope
/// Grad:     dx =, dslope += (null: not wanted)
/// Ref:      He et al. 2015, arXiv 1502.01852
Tensor prelu_forward(const Tensor& x, const Tensor& slope);
Tensor prelu_backward(const Tensor& dy, const Tensor& x, const Tensor& slope, Tensor* dslope);

struct PreluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& slope)> forward;
  Kernel<void(Tensor& dx, Tensor* dslope, const Tensor& dy, const Tensor& x, const Tensor& slope)> backward;
};
extern PreluKernels prelu_kernels;

}  // namespace salu
