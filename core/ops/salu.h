// SPDX-License-Identifier: MIT
/// The five ops of the SALU family. They share their functions on tensors and, on either device, their
/// kernels; SaluMember tells these which op is meant.
#pragma once

#include "core/kernel.h"
#include "core/ops/salu_math.h"
#include "core/tensor.h"

namespace salu {

/// Inputs of an op of the SALU family. Coefficients have one element each, f32 for bf16 activations.
struct SaluInputs {
  Tensor x;
  Coefficients<Tensor> first;  ///< the stabilizer; the only curve of swalu and galu
  Coefficients<Tensor> gate;   ///< the gate of salu_swalu and salu_add_swalu; else undefined
  Tensor residual;             ///< salu_add_swalu only; else undefined
};

/// Outputs of a backward pass: sets dx and dresidual, adds to `first` and `gate`. Gradients of coefficients
/// are undefined where they are not needed.
struct SaluGradients {
  Tensor dx, dresidual;
  CoefficientGradients<Tensor> first, gate;
};

struct SaluOp {
  const char* name;
  SaluMember member;
  Kernel<void(Tensor& y, const SaluInputs& in)> forward;
  Kernel<void(SaluGradients& out, const Tensor& dy, const SaluInputs& in)> backward;
};

/// Stabilizer: takes the place of a normalization layer, without statistics, affine or shift.
/// Forward:  y = a x / sqrt(1 + a b x^2) = S z r, z = x/W, r = 1/sqrt(1 + z^2);
///           S = sqrt(a/b), W = 1/sqrt(a b)
/// Backward: dx = dy a r^3; dL/dlog a = sum dy y (1 + r^2)/2, dL/dlog b = -sum dy y (1 - r^2)/2
/// Shapes:   x, y alike, any rank; a, b one element each, as `positive` stores them
/// Saved:    x (y is no substitute: dx rebuilt from a bf16 y errs by 15 % for x/W in 3..10)
/// Grad:     dx =, da +=, db +=
/// Ref:      SaluNet, arXiv 2606.02927; the scalar formulas stand in core/ops/salu_math.h
extern SaluOp salu_op;

/// Gated activation of the convolutional networks: SALU as the gate of its own input.
/// Forward:  y = (x/2)(1 + s), s = SALU(x; a, b)
/// Backward: dx = dy (1 + s (1 + r^2))/2; dL/dlog a = sum dy x s (1 + r^2)/4,
///           dL/dlog b = -sum dy x s (1 - r^2)/4
/// Shapes:   x, y alike, any rank; a, b one element each, as `positive` stores them
/// Saved:    x
/// Grad:     dx =, da +=, db +=
/// Ref:      SaluNet, arXiv 2606.02927; the scalar formulas stand in core/ops/salu_math.h
extern SaluOp swalu_op;

/// Gated activation of the transformers: SALU in place of GELU's tanh.
/// Forward:  y = (x/2)(1 + s), s = SALU(psi; a, b), psi = sqrt(2/pi)(x + 0.044715 x^3)
/// Backward: dx = dy (1 + s (1 + eta r^2))/2, eta = x psi'/psi; da, db as SWALU's, with s and r taken at psi
/// Shapes:   x, y alike, any rank; a, b one element each, as `positive` stores them
/// Saved:    x
/// Grad:     dx =, da +=, db +=
/// Ref:      SaluNet, arXiv 2606.02927; the scalar formulas stand in core/ops/salu_math.h
extern SaluOp galu_op;

/// The normalization and the activation after a convolution, in one pass.
/// Forward:  y = SWALU(h; gate), h = SALU(x; first)
/// Backward: dx = dy SWALU'(h) SALU'(x); four scalar sums in the same pass
/// Shapes:   x, y alike, any rank; coefficients one element each, as `positive` stores them
/// Saved:    x (h is recomputed)
/// Grad:     dx =, dfirst +=, dgate +=
/// Ref:      salu_op, swalu_op; traffic: 2 tensors forward and 3 backward instead of 4 and 6
extern SaluOp salu_swalu_op;

/// End of a residual branch in one pass: stabilize, add the skip connection, gate.
/// Forward:  y = SWALU(h; gate), h = SALU(x; first) + residual
/// Backward: dresidual = dy SWALU'(h), dx = dresidual SALU'(x); four scalar sums in the same pass
/// Shapes:   x, residual, y alike, any rank; coefficients one element each, as `positive` stores them
/// Saved:    x, residual (h is recomputed)
/// Grad:     dx =, dresidual =, dfirst +=, dgate +=
/// Ref:      salu_op, swalu_op; traffic: 3 tensors forward and 5 backward instead of 7 and 9
extern SaluOp salu_add_swalu_op;

Tensor salu_forward(const SaluOp& op, const SaluInputs& in);
/// Sets dx and dresidual, adds to the gradients of the coefficients.
void salu_backward(const SaluOp& op, SaluGradients& out, const Tensor& dy, const SaluInputs& in);

}  // namespace salu
