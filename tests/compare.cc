// SPDX-License-Identifier: MIT
#include "tests/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace salu::test {

Tolerance elementwise_tolerance(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {1e-12, 1e-12};
    case DType::bf16:
      return {1.6e-2, 1e-5};
    default:
      return {1.3e-6, 1e-5};
  }
}

Tolerance sum_tolerance(DType dtype, const Tensor& expected) {
  double largest = 1;
  for (const double v : expected.values<double>()) largest = std::max(largest, std::abs(v));
  // f32 sums of up to a few thousand terms of random sign stay within 100 steps of the largest result.
  return dtype == DType::f64 ? Tolerance{1e-11, 1e-11 * largest} : Tolerance{1.3e-6, 1e-5 * largest};
}

std::string compare(const Tensor& actual, const Tensor& expected, Tolerance tolerance) {
  if (!actual.defined() || !expected.defined()) return "an undefined tensor";
  if (actual.shape() != expected.shape()) {
    return fmt::format("expected shape {}, got {}", expected.shape().str(), actual.shape().str());
  }
  const auto got = actual.values<double>(), want = expected.values<double>();
  double worst = 0;
  std::string text;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - want[i]);
    const double allowed = tolerance.atol + tolerance.rtol * std::abs(want[i]);
    if (difference <= allowed && std::isfinite(got[i])) continue;  // written so that NaN and Inf fail
    const double excess = std::isfinite(difference) ? difference - allowed : HUGE_VAL;
    if (text.empty() || excess > worst) {
      worst = excess;
      text = fmt::format("element {} of {}: expected {:.9g}, got {:.9g} (allowed difference {:.3g})", i,
                         got.size(), want[i], got[i], allowed);
    }
  }
  return text;
}

std::string compare_bits(const Tensor& actual, const Tensor& expected) {
  if (!actual.defined() || !expected.defined()) return "an undefined tensor";
  if (actual.shape() != expected.shape() || actual.dtype() != expected.dtype()) {
    return fmt::format("expected {} {}, got {} {}", dtype_name(expected.dtype()), expected.shape().str(),
                       dtype_name(actual.dtype()), actual.shape().str());
  }
  if (std::memcmp(actual.raw(), expected.raw(), actual.bytes()) == 0) return "";
  return "bits differ; " + compare(actual, expected, {});
}

}  // namespace salu::test
