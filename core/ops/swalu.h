// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/ops/salu_family.h"

namespace salu {

/// Gated activation of the convolutional nets: SALU as the gate of its own input.
/// Forward:  y = (x/2)(1 + s), s = SALU(x; a, b)
/// Backward: dx = dy (1 + s (1 + r^2))/2; with `positive` = exp: dp = sum dy x s (1 + r^2)/4,
///           dq = -sum dy x s (1 - r^2)/4
/// Shapes:   x, y alike, any rank; p, q one element each, as `positive` stores a and b
/// Saved:    x
/// Grad:     dx =, dp +=, dq +=
/// Ref:      SaluNet, arXiv 2606.02927; the scalar formulas stand in core/ops/salu_math.h
Tensor swalu_forward(const Tensor& x, const CoefficientPair& pair, Positive positive);
/// Returns dx; adds to dpair.
Tensor swalu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& pair, CoefficientPair& dpair,
                      Positive positive);

struct SwaluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive)>
      backward;
};
extern SwaluKernels swalu_kernels;

}  // namespace salu
