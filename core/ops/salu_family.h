// SPDX-License-Identifier: MIT
/// What the five ops of the SALU family share on the CPU: checks, chunks, and the finish of the scalar
/// gradients.
#pragma once

#include "core/simd/salu_loops.h"
#include "core/tensor.h"

namespace salu {

/// A coefficient pair as stored: p and q hold one element each, of the dtype of parameters beside x.
struct CoefficientPair {
  Tensor p, q;
};

/// Throws unless p and q are single elements of that dtype.
void check_coefficients(const char* op, const Tensor& x, const CoefficientPair& pair);

/// y = member(x [, residual]); `gate` is null for the single functions.
void salu_family_forward(SaluMember member, Tensor& y, const Tensor& x, const Tensor* residual,
                         const CoefficientPair& first, const CoefficientPair* gate, Positive positive);

/// dx = and, for salu_add_swalu, dresidual =; the gradients of the coefficients are added to dfirst and
/// dgate.
void salu_family_backward(SaluMember member, Tensor& dx, Tensor* dresidual, const Tensor& dy, const Tensor& x,
                          const Tensor* residual, const CoefficientPair& first, const CoefficientPair* gate,
                          CoefficientPair& dfirst, CoefficientPair* dgate, Positive positive);

}  // namespace salu
