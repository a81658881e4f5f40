// SPDX-License-Identifier: MIT
/// exp, tanh and erf of a register of floats, within 2 units in the last place. tests/fit_vec_math.py finds
/// the coefficients, tests/vec_math_test.cc compares with double. NaN stays NaN, and the sign of 0 is kept.
#pragma once

#include "core/simd/vec.h"

#if defined(__AVX2__)
namespace salu::SALU_ISA {

/// c[0] + c[1] x + c[2] x^2 …
template <int count>
Vec polynomial(Vec x, const float (&c)[count]) {
  Vec y(c[count - 1]);
  for (int i = count - 2; i >= 0; --i) y = fma(y, x, Vec(c[i]));
  return y;
}

/// x = n ln 2 + r with |r| <= ln 2 / 2: exp(x) = 2^n (1 + q), q = exp(r) - 1.
struct Exponential {
  Vec n, q;
};
inline Exponential exponential(Vec x) {
  // ln 2 in two parts, of which the first has so few digits that its product with n is exact.
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  const Vec n = nearest(x * Vec(kLog2e));
  const Vec r = fma(n, Vec(-kLn2Low), fma(n, Vec(-kLn2High), x));
  constexpr float c[] = {0.499999934f, 0.166665203f, 0.0416683921f, 0.00836875089f, 0.00138144755f};
  return {n, fma(r * r, polynomial(r, c), r)};
}

inline Vec exp(Vec x) {
  // Beyond these limits the result is 0 or infinite, as at them.
  const Exponential e = exponential(max(Vec(-104.0f), min(Vec(89.0f), x)));
  return ldexp(Vec(1.0f) + e.q, e.n);
}

/// An odd polynomial near 0, 1 - 2 / (exp(2x) + 1) beyond: there the subtracted part is below 0.5, and so is
/// what its rounding adds.
inline Vec tanh(Vec x) {
  const Vec a = min(Vec(10.0f), abs(x)), a2 = a * a;  // tanh(10) is 1 in f32
  constexpr float c[] = {-0.333332952f, 0.133318364f, -0.0537755364f, 0.0207655039f, -0.0058570203f};
  const Vec small = fma(a * a2, polynomial(a2, c), a);
  const Exponential e = exponential(a + a);
  const Vec power = ldexp(Vec(1.0f), e.n);
  const Vec large = Vec(1.0f) - Vec(2.0f) / fma(power, e.q, power + Vec(1.0f));
  return copysign(select(a < Vec(0.6f), small, large), x);
}

/// An odd polynomial near 0, 1 - p^-8 beyond: p, the polynomial for erfc^(-1/8), rises slowly, and a power
/// costs less than an exponential.
inline Vec erf(Vec x) {
  const Vec a = min(Vec(3.93f), abs(x)), a2 = a * a;  // erf(3.93) is 1 in f32
  constexpr float c[] = {0.12837915179f, -0.376125379f,   0.112826876f,  -0.0268202328f,
                         0.00513136162f, -0.00075627689f, 6.52880592e-5f};  // the first one less 1
  const Vec small = fma(a, polynomial(a2, c), a);
  constexpr float d[] = {0.989661457f,  0.188303747f,  -0.00301139057f, 0.125483248f,
                         -0.063223358f, 0.0281581983f, -0.00596357316f, 0.000699497686f};
  const Vec p = polynomial(a, d), p2 = p * p, p4 = p2 * p2;
  const Vec large = Vec(1.0f) - Vec(1.0f) / (p4 * p4);
  return copysign(select(a < Vec(1.2f), small, large), x);
}

}  // namespace salu::SALU_ISA
#endif
