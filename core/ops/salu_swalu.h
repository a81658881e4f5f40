// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/ops/salu_family.h"

namespace salu {

/// Stabilizer and gate behind a convolution, in one pass.
/// Forward:  y = SWALU(h; gate), h = SALU(x; stabilizer)
/// Backward: dx = dy SWALU'(h) SALU'(x); four scalar sums in the same pass
/// Shapes:   x, y alike, any rank; coefficients one element each, as `positive` stores them
/// Saved:    x (h is recomputed)
/// Grad:     dx =, dstabilizer +=, dgate +=
/// Ref:      core/ops/salu.h, core/ops/swalu.h; traffic: 2 tensors forward and 3 backward instead of 4 and 6
Tensor salu_swalu_forward(const Tensor& x, const CoefficientPair& stabilizer, const CoefficientPair& gate,
                          Positive positive);
/// Adds to dstabilizer and dgate.
Tensor salu_swalu_backward(const Tensor& dy, const Tensor& x, const CoefficientPair& stabilizer,
                           const CoefficientPair& gate, CoefficientPair& dstabilizer, CoefficientPair& dgate,
                           Positive positive);

struct SaluSwaluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const CoefficientPair& stabilizer, const CoefficientPair& gate,
              Positive positive)>
      forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& stabilizer,
              const CoefficientPair& gate, CoefficientPair& dstabilizer, CoefficientPair& dgate,
              Positive positive)>
      backward;
};
extern SaluSwaluKernels salu_swalu_kernels;

}  // namespace salu
