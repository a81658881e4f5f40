// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Sum of two tensors: residual connections, and gradients that meet.
/// Forward:  y = a + b
/// Backward: da = dy, db = dy
/// Shapes:   a, b, y alike, any rank
/// Saved:    nothing
/// Grad:     da =, db = (both share the tensor dy)
/// Ref:      He et al. 2016, eq. 1
Tensor add_forward(const Tensor& a, const Tensor& b);
/// a += b
void add_in_place(Tensor& a, const Tensor& b);

struct AddKernels {
  Kernel<void(Tensor& y, const Tensor& a, const Tensor& b)> forward;  ///< y may be a
};
extern AddKernels add_kernels;

}  // namespace salu
