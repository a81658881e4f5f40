// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Cuts images into square patches, each a token: the input of a vision transformer. p is the patch size.
/// Forward:  y[n, i W/p + j, (r p + s) C + c] = x[n, i p + r, j p + s, c]
/// Backward: the same copy, the other way
/// Shapes:   x (N,H,W,C) with p dividing H and W, y (N, HW/p^2, p p C)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      Dosovitskiy et al. 2020, section 3.1
Tensor patchify_forward(const Tensor& x, std::int64_t patch);
Tensor patchify_backward(const Tensor& dy, const Shape& x_shape, std::int64_t patch);

struct PatchifyKernels {
  Kernel<void(Tensor& y, const Tensor& x, std::int64_t patch)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, std::int64_t patch)> backward;
};
extern PatchifyKernels patchify_kernels;

}  // namespace salu
