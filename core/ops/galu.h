// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/ops/salu_family.h"

namespace salu {

/// Gated activation of the transformers: SALU in place of GELU's tanh.
/// Forward:  y = (x/2)(1 + s), s = SALU(psi; a, b), psi = sqrt(2/pi)(x + 0.044715 x^3)
/// Backward: dx = dy (1 + s (1 + eta r^2))/2, eta = x psi'/psi; dp, dq as SWALU's, with s and r taken at psi
/// Shapes:   x, y alike, any rank; p, q one element each, as `positive` stores a and b
/// Saved:    x
/// Grad:     dx =, dp +=, dq +=
/// Ref:      SaluNet, arXiv 2606.02927; the scalar formulas stand in core/ops/salu_math.h
Tensor galu_forward(const Tensor& x, const CoefficientPair& pair, Positive positive);
/// Returns dx; adds to dpair.
Tensor galu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& pair, CoefficientPair& dpair,
                     Positive positive);

struct GaluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive)>
      backward;
};
extern GaluKernels galu_kernels;

}  // namespace salu
