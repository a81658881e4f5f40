// SPDX-License-Identifier: MIT
/// The formulas of the SALU family in the paper's a and b, written from their definition.
#pragma once

#include <cmath>

#include "tests/op_samples.h"

namespace salu::test {

inline double paper_salu(double x, double a, double b) { return a * x / std::sqrt(1 + a * b * x * x); }
inline double paper_swalu(double x, double a, double b) { return x / 2 * (1 + paper_salu(x, a, b)); }
inline double paper_galu(double x, double a, double b) {
  const double psi = std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
  return x / 2 * (1 + paper_salu(psi, a, b));
}

inline Tensor scalar(double v) { return Tensor::full({1}, v, DType::f64); }

}  // namespace salu::test
