// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/ops/salu_family.h"

namespace salu {

/// End of a residual branch in one pass: stabilize, add the skip connection, gate.
/// Forward:  y = SWALU(h; gate), h = SALU(x; stabilizer) + residual
/// Backward: dresidual = dy SWALU'(h), dx = dresidual SALU'(x); four scalar sums in the same pass
/// Shapes:   x, residual, y alike, any rank; coefficients one element each, as `positive` stores them
/// Saved:    x, residual (h is recomputed)
/// Grad:     dx =, dresidual =, dstabilizer +=, dgate +=
/// Ref:      core/ops/salu.h, core/ops/swalu.h; traffic: 3 tensors forward and 5 backward instead of 7 and 9
Tensor salu_add_swalu_forward(const Tensor& x, const Tensor& residual, const CoefficientPair& stabilizer,
                              const CoefficientPair& gate, Positive positive);
struct SaluAddSwaluGradients {
  Tensor dx, dresidual;
};
/// Adds to dstabilizer and dgate.
SaluAddSwaluGradients salu_add_swalu_backward(const Tensor& dy, const Tensor& x, const Tensor& residual,
                                              const CoefficientPair& stabilizer, const CoefficientPair& gate,
                                              CoefficientPair& dstabilizer, CoefficientPair& dgate,
                                              Positive positive);

struct SaluAddSwaluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& residual, const CoefficientPair& stabilizer,
              const CoefficientPair& gate, Positive positive)>
      forward;
  Kernel<void(Tensor& dx, Tensor& dresidual, const Tensor& dy, const Tensor& x, const Tensor& residual,
              const CoefficientPair& stabilizer, const CoefficientPair& gate, CoefficientPair& dstabilizer,
              CoefficientPair& dgate, Positive positive)>
      backward;
};
extern SaluAddSwaluKernels salu_add_swalu_kernels;

}  // namespace salu
