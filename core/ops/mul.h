// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Elementwise product.
/// Forward:  y = a b
/// Backward: da = dy b, db = dy a
/// Shapes:   a, b, y alike, any rank
/// Saved:    a, b
/// Grad:     da =, db =
/// Ref:      the product rule
Tensor mul_forward(const Tensor& a, const Tensor& b);

struct MulKernels {
  Kernel<void(Tensor& y, const Tensor& a, const Tensor& b)> forward;
};
extern MulKernels mul_kernels;

}  // namespace salu
