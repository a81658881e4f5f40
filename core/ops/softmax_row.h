// SPDX-License-Identifier: MIT
/// One row of softmax on the CPU, shared by softmax, cross_entropy and attention.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace salu {

/// e^x for -87 <= x <= 88, to a relative error of 2e-7. The compiler vectorizes a loop of these, but not of
/// std::exp.
inline float bounded_exp(float x) {
  // x = n ln 2 + r with |r| <= ln(2)/2. Adding 1.5 * 2^23 rounds to a whole n and leaves it in the low bits.
  constexpr float kRounder = 0x1.8p23f, kPerLn2 = 0x1.715476p0f, kLn2High = 0x1.62ep-1f,
                  kLn2Low = 0x1.0bfbe8p-15f;
  const float rounded = x * kPerLn2 + kRounder, n = rounded - kRounder;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float sum = 1.0f / 5040;  // Taylor series: the first omitted term is at most 5e-9
  sum = sum * r + 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  return sum * std::bit_cast<float>((std::bit_cast<std::uint32_t>(rounded) + 127) << 23);  // times 2^n
}

/// y = e^(x - shift); in f32, 0 below e^-87. y may be x, and x - shift is at most 88. x may be bf16.
template <class T, class X>
void exp_row(T* y, const X* x, T shift, std::int64_t n) {
  if constexpr (sizeof(T) == sizeof(float)) {
    for (std::int64_t i = 0; i < n; ++i) y[i] = std::max(x[i] - shift, T(-87));
    for (std::int64_t i = 0; i < n; ++i) {
      const T power = bounded_exp(y[i]);
      y[i] = y[i] == T(-87) ? T(0) : power;  // a class masked by -inf gets probability 0
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) y[i] = std::exp(x[i] - shift);
  }
}

/// y = softmax(x) over n >= 1 elements; y may be x. Returns ln sum exp x. Subtracts the largest element
/// first, so that nothing overflows. x may be bf16.
template <class T, class X>
double softmax_row(T* y, const X* x, std::int64_t n) {
  T largest = x[0];
  double sum = 0;
#pragma omp simd reduction(max : largest)
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, T(x[i]));
  exp_row(y, x, largest, n);
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(y[i]);
  const T factor = static_cast<T>(1 / sum);
  for (std::int64_t i = 0; i < n; ++i) y[i] *= factor;
  return static_cast<double>(largest) + std::log(sum);
}

}  // namespace salu
