// SPDX-License-Identifier: MIT
/// The scalar mathematics of the SALU family, once, for every back end: T is float, double, or a SIMD
/// register. From top to bottom: the curve, the three functions made of it, the five ops made of those, and
/// how the two numbers of the curve are stored, which nothing else needs to know.
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
#include "core/ops/select.h"

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
  using std::abs, std::copysign;
  const T limit = T(1e18);
  return select(abs(z) > limit, copysign(limit, z), z);
}

/// The two coefficients that kernels use: S and 1/W.
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

/// Sums over one curve that give the gradients of its two parameters.
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
  SALU_HOST_DEVICE CurveSums& operator+=(const CurveSums& other) {
    all += other.all, bent += other.bent, straight += other.straight;
    return *this;
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
  // The cube overflows for |x| > 1e18, where r^2 is 0. With the limited x, eta is 3 there.
  const T bounded = limit_magnitude(x);
  const T kx2 = T(0.044715) * bounded * bounded;
  const T eta = (T(1) + T(3) * kx2) / (T(1) + kx2);
  sums.add(half * x * at.y, at);
  return half * (T(1) + at.y * (T(1) + eta * at.r2));
}

/// The five ops; the fused ones are swalu(salu(x)) and swalu(salu(x) + residual).
enum class SaluMember { salu, swalu, galu, salu_swalu, salu_add_swalu };
inline constexpr int kSaluMembers = 5;
constexpr bool adds_residual(SaluMember member) { return member == SaluMember::salu_add_swalu; }
constexpr bool has_two_curves(SaluMember member) { return member >= SaluMember::salu_swalu; }

/// The curves of one op: `first` is the stabilizer of the fused ops and the only curve of the others, `gate`
/// the curve of the fused SWALU.
template <class T>
struct CurvePair {
  Curve<T> first, gate;
};
template <class T>
struct CurvePairSums {
  CurveSums<T> first, gate;
  SALU_HOST_DEVICE CurvePairSums& operator+=(const CurvePairSums& other) {
    first += other.first, gate += other.gate;
    return *this;
  }
};

/// y of one element, or of one register of elements.
template <SaluMember member, class T>
SALU_HOST_DEVICE T member_value(T x, [[maybe_unused]] T residual, const CurvePair<T>& c) {
  if constexpr (member == SaluMember::salu) return salu_value(x, c.first);
  if constexpr (member == SaluMember::swalu) return swalu_value(x, c.first);
  if constexpr (member == SaluMember::galu) return galu_value(x, c.first);
  if constexpr (member == SaluMember::salu_swalu) return swalu_value(salu_value(x, c.first), c.gate);
  if constexpr (member == SaluMember::salu_add_swalu) {
    return swalu_value(salu_value(x, c.first) + residual, c.gate);
  }
}

/// dx; `dresidual` is set by salu_add_swalu only.
template <SaluMember member, class T>
SALU_HOST_DEVICE T member_gradient(T dy, T x, [[maybe_unused]] T residual, [[maybe_unused]] T& dresidual,
                                   const CurvePair<T>& c, CurvePairSums<T>& sums) {
  if constexpr (member == SaluMember::salu) return salu_gradient(dy, x, c.first, sums.first);
  if constexpr (member == SaluMember::swalu) return swalu_gradient(dy, x, c.first, sums.first);
  if constexpr (member == SaluMember::galu) return galu_gradient(dy, x, c.first, sums.first);
  if constexpr (has_two_curves(member)) {
    T h = salu_value(x, c.first);
    if constexpr (adds_residual(member)) h = h + residual;
    dresidual = swalu_gradient(dy, h, c.gate, sums.gate);
    return salu_gradient(dresidual, x, c.first, sums.first);
  }
}

/// Initial values of a layer: a and b as `positive` stores them.
inline Coefficients<double> stored_coefficients(double a, double b, Positive positive) {
  switch (positive) {
    case Positive::exp:
      return {std::log(a), std::log(b), positive};
    case Positive::log_sw:
      return {0.5 * std::log(a / b), -0.5 * std::log(a * b), positive};
    case Positive::softplus:
      break;
  }
  return {std::log(std::expm1(a)), std::log(std::expm1(b)), positive};
}

/// S and 1/W from the stored a and b, in double on every device.
inline SALU_HOST_DEVICE Curve<double> curve_of(const Coefficients<double>& stored) {
  const double alpha = stored.a, beta = stored.b;
  switch (stored.positive) {
    case Positive::exp:
      return {std::exp(0.5 * (alpha - beta)), std::exp(0.5 * (alpha + beta))};
    case Positive::log_sw:
      return {std::exp(alpha), std::exp(-beta)};
    case Positive::softplus:
      break;
  }
  const double a = alpha > 30 ? alpha : std::log1p(std::exp(alpha));
  const double b = beta > 30 ? beta : std::log1p(std::exp(beta));
  return {std::sqrt(a / b), std::sqrt(a * b)};
}

/// Gradients of the stored a and b.
template <class T>
struct CoefficientGradients {
  T a, b;
};

/// The backward pass of curve_of(): dL/da and dL/db from the sums over the curve.
inline SALU_HOST_DEVICE CoefficientGradients<double> coefficient_gradients(const Coefficients<double>& stored,
                                                                           const CurveSums<double>& sums) {
  if (stored.positive == Positive::log_sw) return {sums.all, -sums.straight};
  const double dlog_a = sums.all - 0.5 * sums.bent, dlog_b = -0.5 * sums.bent;
  if (stored.positive == Positive::exp) return {dlog_a, dlog_b};
  // d log ln(1+e^v) / dv = sigmoid(v) / ln(1+e^v), which tends to 1 for v -> -inf and to 1/v for v -> inf.
  const auto slope = [](double v) {
    if (v < -30) return 1.0;
    return 1.0 / ((1.0 + std::exp(-v)) * (v > 30 ? v : std::log1p(std::exp(v))));
  };
  return {dlog_a * slope(stored.a), dlog_b * slope(stored.b)};
}

}  // namespace salu
