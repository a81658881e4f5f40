// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Product with a constant.
/// Forward:  y = factor x
/// Backward: dx = factor dy
/// Shapes:   x, y alike, any rank
/// Saved:    nothing
/// Grad:     dx =
/// Ref:      linearity
Tensor scale_forward(const Tensor& x, double factor);

struct ScaleKernels {
  Kernel<void(Tensor& y, const Tensor& x, double factor)> forward;
};
extern ScaleKernels scale_kernels;

}  // namespace salu
