// SPDX-License-Identifier: MIT
/// The scalar mathematics of the SALU family, once, for every back end: T is float, double, or a SIMD
/// register.
///
/// One curve carries the family: s(x) = S z r with z = x/W and r = 1/sqrt(1 + z^2). In the paper's terms
/// s(x) = a x / sqrt(1 + a b x^2) with S = sqrt(a/b), the saturation, and W = 1/sqrt(a b), the width.
/// Gradients need sums over each curve, upstream gradient u of s:
///   all      = sum u s            = dL/dlog S
///   straight = sum u s r^2        = -dL/dlog W
///   bent     = sum u s (1 - r^2)  = -2 dL/dlog b
/// Two would do, but their differences cancel: `all - straight` where s is nearly a line, `all - bent` where
/// it saturates. For the same reason 1 - r^2 is computed as z^2 r^2.
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/ops/options.h"

namespace salu {

inline SALU_HOST_DEVICE float rsqrt(float x) {
#if defined(__CUDA_ARCH__)
  return ::rsqrtf(x);  // one instruction and a fix-up, within 2 units in the last place
#else
  return 1.0f / std::sqrt(x);
#endif
}
inline SALU_HOST_DEVICE double rsqrt(double x) { return 1.0 / std::sqrt(x); }

/// Limits |z| to 1e18, so that z^2 stays finite in f32. A select, not fmin/fmax: NaN passes through.
template <class T>
SALU_HOST_DEVICE T limit_magnitude(T z) {
  constexpr T limit = T(1e18);
  return std::abs(z) > limit ? std::copysign(limit, z) : z;
}

/// S and 1/W of one curve.
template <class T>
struct Curve {
  T s;
  T inv_w;
};

/// A curve at one x.
template <class T>
struct CurvePoint {
  T y;   ///< s(x)
  T r;   ///< 1/sqrt(1 + z^2)
  T r2;  ///< r^2
  T p;   ///< saturation 1 - r^2 = y^2/S^2
};

template <class T>
SALU_HOST_DEVICE CurvePoint<T> curve_at(T x, const Curve<T>& c) {
  const T z = limit_magnitude(x * c.inv_w);
  const T z2 = z * z;
  const T r = rsqrt(T(1) + z2);
  const T r2 = r * r;
  return {c.s * z * r, r, r2, z2 * r2};
}

/// The sums of one curve.
template <class T>
struct CurveSums {
  T all = T(0);
  T bent = T(0);
  T straight = T(0);

  SALU_HOST_DEVICE void add(T upstream_times_s, const CurvePoint<T>& at) {
    all = all + upstream_times_s;
    bent = bent + upstream_times_s * at.p;
    straight = straight + upstream_times_s * at.r2;
  }
};

/// SALU: y = s(x), dy/dx = (S/W) r^3.
template <class T>
SALU_HOST_DEVICE T salu_value(T x, const Curve<T>& c) {
  return curve_at(x, c).y;
}
template <class T>
SALU_HOST_DEVICE T salu_gradient(T dy, T x, const Curve<T>& c, CurveSums<T>& sums) {
  const CurvePoint<T> at = curve_at(x, c);
  sums.add(dy * at.y, at);
  return dy * (c.s * c.inv_w) * at.r * at.r2;
}

/// SWALU: y = (x/2)(1 + s(x)), dy/dx = (1 + s (1 + r^2))/2.
template <class T>
SALU_HOST_DEVICE T swalu_value(T x, const Curve<T>& c) {
  return T(0.5) * x * (T(1) + curve_at(x, c).y);
}
template <class T>
SALU_HOST_DEVICE T swalu_gradient(T dy, T x, const Curve<T>& c, CurveSums<T>& sums) {
  const CurvePoint<T> at = curve_at(x, c);
  const T half = T(0.5) * dy;
  sums.add(half * x * at.y, at);
  return half * (T(1) + at.y * (T(1) + at.r2));
}

/// GALU: y = (x/2)(1 + s(psi)), psi = sqrt(2/pi)(x + k x^3); dy/dx = (1 + s (1 + eta r^2))/2 with
/// eta = x psi'/psi = (1 + 3 k x^2)/(1 + k x^2).
template <class T>
SALU_HOST_DEVICE T galu_psi(T x) {
  return T(0.7978845608028654) * x * (T(1) + T(0.044715) * x * x);
}
template <class T>
SALU_HOST_DEVICE T galu_value(T x, const Curve<T>& c) {
  return T(0.5) * x * (T(1) + curve_at(galu_psi(x), c).y);
}
template <class T>
SALU_HOST_DEVICE T galu_gradient(T dy, T x, const Curve<T>& c, CurveSums<T>& sums) {
  const CurvePoint<T> at = curve_at(galu_psi(x), c);
  const T half = T(0.5) * dy;
  // For |x| > 1e18 the cube overflows while r^2 is 0: limited like z, eta is 3 there.
  const T bounded = limit_magnitude(x);
  const T kx2 = T(0.044715) * bounded * bounded;
  const T eta = (T(1) + T(3) * kx2) / (T(1) + kx2);
  sums.add(half * x * at.y, at);
  return half * (T(1) + at.y * (T(1) + eta * at.r2));
}

/// (p, q), the stored parameters -> S, 1/W.
inline SALU_HOST_DEVICE Curve<double> curve_of(double p, double q, Positive positive) {
  switch (positive) {
    case Positive::exp:
      return {std::exp(0.5 * (p - q)), std::exp(0.5 * (p + q))};
    case Positive::log_sw:
      return {std::exp(p), std::exp(-q)};
    case Positive::softplus:
      break;
  }
  const double a = p > 30 ? p : std::log1p(std::exp(p)), b = q > 30 ? q : std::log1p(std::exp(q));
  return {std::sqrt(a / b), std::sqrt(a * b)};
}

/// dL/dp and dL/dq from the sums of the curve.
inline SALU_HOST_DEVICE Curve<double> curve_parameter_gradients(double p, double q, Positive positive,
                                                                const CurveSums<double>& sums) {
  if (positive == Positive::log_sw) return {sums.all, -sums.straight};
  const double dlog_a = sums.all - 0.5 * sums.bent, dlog_b = -0.5 * sums.bent;
  if (positive == Positive::exp) return {dlog_a, dlog_b};
  // d log ln(1+e^p) / dp = sigmoid(p) / ln(1+e^p), which tends to 1 for p -> -inf and to 1/p for p -> inf.
  const auto slope = [](double v) {
    if (v < -30) return 1.0;
    return 1.0 / ((1.0 + std::exp(-v)) * (v > 30 ? v : std::log1p(std::exp(v))));
  };
  return {dlog_a * slope(p), dlog_b * slope(q)};
}

}  // namespace salu
