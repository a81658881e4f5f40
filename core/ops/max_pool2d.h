// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// Largest value of each window. Padding counts as minus infinity, NaN wins, of equal values the first.
/// Forward:  y[n,p,q,c] = max over r, s < kernel of x[n, p stride - padding + r, q stride - padding + s, c]
/// Backward: dx[n,h,w,c] = sum of dy over the windows whose largest value it was
/// Shapes:   x (N,H,W,C), y (N,P,Q,C), P = floor((H + 2 padding - kernel) / stride) + 1
/// Saved:    argmax (N,P,Q,C) i32, the pixel h W + w; the shape of x
/// Grad:     dx =
/// Ref:      -
struct MaxPool2dResult {
  Tensor y;
  Tensor argmax;
};
MaxPool2dResult max_pool2d_forward(const Tensor& x, Pool2dOptions options);
Tensor max_pool2d_backward(const Tensor& dy, const Tensor& argmax, const Shape& x_shape,
                           Pool2dOptions options);

struct MaxPool2dKernels {
  Kernel<void(Tensor& y, Tensor& argmax, const Tensor& x, Pool2dOptions options)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& argmax, Pool2dOptions options)> backward;
};
extern MaxPool2dKernels max_pool2d_kernels;

}  // namespace salu
