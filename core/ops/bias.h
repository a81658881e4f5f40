// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// One offset per channel.
/// Forward:  y = x + b_c
/// Backward: dx = dy; db_c = sum of dy over all but the last dimension
/// Shapes:   x, y (...,C); b (C)
/// Saved:    nothing
/// Grad:     dx = (the tensor dy itself), db +=
/// Ref:      linearity
Tensor bias_forward(const Tensor& x, const Tensor& b);
/// db += column sums of dy
void bias_backward(const Tensor& dy, Tensor& db);

struct BiasKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& b)> forward;
  Kernel<void(Tensor& db, const Tensor& dy)> backward;
};
extern BiasKernels bias_kernels;

}  // namespace salu
