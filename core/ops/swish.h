// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Swish (SiLU).
/// Forward:  y = x sigmoid(x)
/// Backward: dx = dy s (1 + x (1 - s)), s = sigmoid(x)
/// Shapes:   x, y alike, any rank
/// Saved:    x
/// Grad:     dx =
/// Ref:      Elfwing et al. 2018; Ramachandran et al. 2017
Tensor swish_forward(const Tensor& x);
Tensor swish_backward(const Tensor& dy, const Tensor& x);

struct SwishKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x)> backward;
};
extern SwishKernels swish_kernels;

}  // namespace salu
