// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Takes one token of each sample: the class token, before the classifier of a vision transformer.
/// Forward:  y[b] = x[b, index]
/// Backward: dx[b, index] = dy[b], zero for the other tokens
/// Shapes:   x (B,T,D) with 0 <= index < T, y (B,D)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      Dosovitskiy et al. 2020, eq. 4
Tensor select_token_forward(const Tensor& x, std::int64_t index);
Tensor select_token_backward(const Tensor& dy, const Shape& x_shape, std::int64_t index);

struct SelectTokenKernels {
  Kernel<void(Tensor& y, const Tensor& x, std::int64_t index)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, std::int64_t index)> backward;
};
extern SelectTokenKernels select_token_kernels;

}  // namespace salu
