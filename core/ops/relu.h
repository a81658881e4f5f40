// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Rectifier.
/// Forward:  y = max(x, 0); NaN passes through
/// Backward: dx = dy where x > 0, else 0
/// Shapes:   x, y alike, any rank
/// Saved:    y (its sign is that of x, and the next op holds y anyway)
/// Grad:     dx =
/// Ref:      Nair & Hinton 2010
Tensor relu_forward(const Tensor& x);
Tensor relu_backward(const Tensor& dy, const Tensor& y);

struct ReluKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& y)> backward;
};
extern ReluKernels relu_kernels;

}  // namespace salu
