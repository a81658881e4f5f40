// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// Gaussian error linear unit, exact or in its tanh approximation.
/// Forward:  erf:  y = x Phi(x), Phi the distribution function of N(0,1)
///           tanh: y = x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3)
/// Backward: erf:  dx = dy (Phi(x) + x phi(x)), phi the density of N(0,1)
///           tanh: dx = dy/2 (1 + t + x (1 - t^2) u'), t = tanh u
/// Shapes:   x, y alike, any rank
/// Saved:    x
/// Grad:     dx =
/// Ref:      Hendrycks & Gimpel 2016, arXiv 1606.08415
Tensor gelu_forward(const Tensor& x, GeluKind kind);
Tensor gelu_backward(const Tensor& dy, const Tensor& x, GeluKind kind);

struct GeluKernels {
  Kernel<void(Tensor& y, const Tensor& x, GeluKind kind)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x, GeluKind kind)> backward;
};
extern GeluKernels gelu_kernels;

}  // namespace salu
