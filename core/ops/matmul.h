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

}  // namespace salu
