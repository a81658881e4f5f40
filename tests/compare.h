// SPDX-License-Identifier: MIT
/// The comparator of all tests; it has tests of its own (compare_test.cc).
#pragma once

#include <string>

#include "core/tensor.h"

namespace salu::test {

struct Tolerance {
  double rtol = 0;
  double atol = 0;
};

/// Elementwise ops (PyTorch's table for f64 and f32).
Tolerance elementwise_tolerance(DType dtype);
/// Ops with sums: the absolute part grows with the largest expected magnitude.
Tolerance sum_tolerance(DType dtype, const Tensor& expected);

/// "" when |actual - expected| <= atol + rtol |expected| for every element; else what differs, with the worst
/// index and both values. Shapes first; NaN never passes; dtypes may differ (both are compared in f64).
std::string compare(const Tensor& actual, const Tensor& expected, Tolerance tolerance);
/// "" when dtype, shape and every bit are equal.
std::string compare_bits(const Tensor& actual, const Tensor& expected);

}  // namespace salu::test
