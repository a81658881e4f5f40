// SPDX-License-Identifier: MIT
#pragma once

#include "core/ops/salu.h"

namespace salu::bench {

/// The backward pass of salu and of salu_swalu without the gradients of the coefficients: the difference is
/// the cost of their sums. No network runs these.
void salu_backward_without_sums(Tensor& dx, const Tensor& dy, const Tensor& x,
                                const CurvePair<float>& curves);
void salu_swalu_backward_without_sums(Tensor& dx, const Tensor& dy, const Tensor& x,
                                      const CurvePair<float>& curves);

}  // namespace salu::bench
