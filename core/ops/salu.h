// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/ops/salu_family.h"

namespace salu {

/// Stabilizer: takes the place of a normalization layer, without statistics, affine or shift.
/// Forward:  y = a x / sqrt(1 + a b x^2) = S z r, z = x/W, r = 1/sqrt(1 + z^2);
///           S = sqrt(a/b), W = 1/sqrt(a b)
/// Backward: dx = dy a r^3; with `positive` = exp: dp = sum dy y (1 + r^2)/2, dq = -sum dy y (1 - r^2)/2
/// Shapes:   x, y alike, any rank; p, q one element each, as `positive` stores a and b
/// Saved:    x (y is no substitute: dx rebuilt from a bf16 y errs by 15 % for x/W in 3..10)
/// Grad:     dx =, dp +=, dq +=
/// Ref:      SaluNet, arXiv 2606.02927; the scalar formulas stand in core/ops/salu_math.h
Tensor salu_forward(const Tensor& x, const CoefficientPair& pair, Positive positive);
/// Returns dx; adds to dpair.
Tensor salu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& pair, CoefficientPair& dpair,
                     Positive positive);

struct SaluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive)>
      backward;
};
extern SaluKernels salu_kernels;

}  // namespace salu
