// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Matrix product.
/// Forward:  y = a b
/// Backward: da = dy b^T, db = a^T dy
/// Shapes:   a (M,K), b (K,N), y (M,N)
/// Saved:    a, b
/// Grad:     da =, db =
/// Ref:      -
Tensor matmul_forward(const Tensor& a, const Tensor& b);
Tensor matmul_backward_a(const Tensor& dy, const Tensor& b);  ///< da
Tensor matmul_backward_b(const Tensor& dy, const Tensor& a);  ///< db

struct MatmulKernels {
  Kernel<void(Tensor& y, const Tensor& a, const Tensor& b)> forward;
  Kernel<void(Tensor& da, const Tensor& dy, const Tensor& b)> backward_a;
  Kernel<void(Tensor& db, const Tensor& dy, const Tensor& a)> backward_b;
};
extern MatmulKernels matmul_kernels;

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
