// SPDX-License-Identifier: MIT
/// The formulas of the activations, written once for every device: they are constexpr, so nvcc compiles them
/// for the GPU too (--expt-relaxed-constexpr).
#pragma once

#include <cmath>
#include <numbers>

namespace salu {

template <class T>
constexpr T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

template <class T>
constexpr T swish_value(T x) {
  return x * sigmoid(x);
}
template <class T>
constexpr T swish_slope(T x) {
  const T s = sigmoid(x);
  return s * (T(1) + x * (T(1) - s));
}

/// Distribution function of N(0,1).
template <class T>
constexpr T normal_cdf(T x) {
  return T(0.5) * (T(1) + std::erf(x * T(1 / std::numbers::sqrt2)));
}
template <class T>
constexpr T gelu_erf_value(T x) {
  return x * normal_cdf(x);
}
template <class T>
constexpr T gelu_erf_slope(T x) {
  const T density = T(std::numbers::inv_sqrtpi / std::numbers::sqrt2) * std::exp(T(-0.5) * x * x);
  return normal_cdf(x) + x * density;
}

inline constexpr double kGeluCubic = 0.044715;
inline constexpr double kGeluScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2/pi)

template <class T>
constexpr T gelu_tanh_value(T x) {
  return T(0.5) * x * (T(1) + std::tanh(T(kGeluScale) * (x + T(kGeluCubic) * x * x * x)));
}
template <class T>
constexpr T gelu_tanh_slope(T x) {
  if (std::abs(x) > T(20)) return x > T(0) ? T(1) : T(0);  // t is +-1 there, and x^2 may be infinite
  const T t = std::tanh(T(kGeluScale) * (x + T(kGeluCubic) * x * x * x));
  const T inner = T(kGeluScale) * (T(1) + T(3 * kGeluCubic) * x * x);
  return T(0.5) * (T(1) + t) + T(0.5) * x * (T(1) - t * t) * inner;
}

/// Binary cross entropy softplus(x) - t x of a logit x, and its derivative by x. softplus is max(x, 0) +
/// ln(1 + e^-|x|): nothing overflows.
template <class T>
constexpr T bce_value(T x, T t) {
  return (x > T(0) ? x : T(0)) - t * x + std::log1p(std::exp(-std::abs(x)));
}
template <class T>
constexpr T bce_slope(T x, T t) {
  return sigmoid(x) - t;
}

/// A function and its derivative at one point.
template <class T>
struct ValueSlope {
  T value;
  T slope;
};

template <class T>
constexpr ValueSlope<T> tanh_with_slope(T u) {
  const T t = std::tanh(u);
  return {t, T(1) - t * t};
}
template <class T>
constexpr ValueSlope<T> erf_with_slope(T u) {
  return {std::erf(u), T(2 * std::numbers::inv_sqrtpi) * std::exp(-u * u)};
}

}  // namespace salu
