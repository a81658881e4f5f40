// SPDX-License-Identifier: MIT
#pragma once

#include "core/ops/salu.h"

namespace salu::bench {

/// dx of salu and of salu_swalu without the gradients of the coefficients: what their sums cost is the
/// difference. No network runs these.
void salu_backward_without_sums(Tensor& dx, const Tensor& dy, const Tensor& x,
                                const CurvePair<float>& curves);
void salu_swalu_backward_without_sums(Tensor& dx, const Tensor& dy, const Tensor& x,
                                      const CurvePair<float>& curves);

}  // namespace salu::bench
