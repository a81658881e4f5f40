// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Affine map of the last dimension: classifiers, and the projections of a transformer.
/// Forward:  y = x w^T + b
/// Backward: dx = dy w, dw = dy^T x, db = sum of dy over all rows
/// Shapes:   x (...,C) of rank 1 to 4, w (N,C), b (N) or undefined, y (...,N)
/// Saved:    x, w
/// Grad:     dx =, dw +=, db +=
/// Ref:      -
Tensor linear_forward(const Tensor& x, const Tensor& w, const Tensor& b);
Tensor linear_backward_input(const Tensor& dy, const Tensor& w);             ///< dx
void linear_backward_weight(const Tensor& dy, const Tensor& x, Tensor& dw);  ///< dw +=
void linear_backward_bias(const Tensor& dy, Tensor& db);                     ///< db +=

struct LinearKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& w)> backward_input;
  Kernel<void(Tensor& dw, const Tensor& dy, const Tensor& x)> backward_weight;
  Kernel<void(Tensor& db, const Tensor& dy)> backward_bias;
};
extern LinearKernels linear_kernels;

}  // namespace salu
