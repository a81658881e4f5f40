// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// Two-dimensional convolution (cross-correlation), channels last, one group, no bias.
/// Forward:  y[n,p,q,k] = sum_{r,s,c} x[n, p t + r - o, q t + s - o, c] w[k,r,s,c]; stride t, zero padding o
/// Backward: dx: the transposed sum over (p,q,k);
///           dw[k,r,s,c] = sum_{n,p,q} dy[n,p,q,k] x[n, p t + r - o, q t + s - o, c]
/// Shapes:   x (N,H,W,C), w (K,R,S,C), y (N,P,Q,K), C and K at least 1; P = floor((H + 2 o - R)/t) + 1,
///           Q alike
/// Saved:    x, w
/// Grad:     dx =, dw +=
/// Ref:      Dumoulin & Visin, arXiv 1603.07285
Tensor conv2d_forward(const Tensor& x, const Tensor& w, Conv2dOptions options);
Tensor conv2d_backward_data(const Tensor& dy, const Tensor& w, Shape x_shape, Conv2dOptions options);
void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options);

/// (N,P,Q,K) for inputs that fit; throws `[conv2d] expected … got …` otherwise.
Shape conv2d_output_shape(const Shape& x, const Shape& w, Conv2dOptions options);

struct Conv2dKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options)> backward_data;
  Kernel<void(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options)> backward_weight;
};
extern Conv2dKernels conv2d_kernels;

}  // namespace salu
