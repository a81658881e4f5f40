// SPDX-License-Identifier: MIT
/// A register of floats for the hot loops. Files that include this are compiled once per instruction set,
/// each time with another SALU_ISA namespace (core/meson.build); include nothing here that defines
/// non-template inline functions used elsewhere, or the linker may pick the copy that needs a newer CPU.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/ops/salu_math.h"

namespace salu::SALU_ISA {

#if defined(__AVX512F__)

struct Vec {
  static constexpr int kLanes = 16;
  __m512 v;

  Vec() = default;
  Vec(__m512 m) : v(m) {}
  explicit Vec(float f) : v(_mm512_set1_ps(f)) {}
  explicit Vec(double f) : Vec(static_cast<float>(f)) {}
  explicit Vec(int f) : Vec(static_cast<float>(f)) {}
  static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  double sum() const { return static_cast<double>(_mm512_reduce_add_ps(v)); }
};
inline Vec operator+(Vec a, Vec b) { return _mm512_add_ps(a.v, b.v); }
inline Vec operator-(Vec a, Vec b) { return _mm512_sub_ps(a.v, b.v); }
inline Vec operator*(Vec a, Vec b) { return _mm512_mul_ps(a.v, b.v); }
inline Vec operator/(Vec a, Vec b) { return _mm512_div_ps(a.v, b.v); }
/// A 14-bit estimate and one Newton step (error about 1e-8): 2.5 x the speed of square root and division.
inline Vec rsqrt(Vec x) {
  const Vec r = _mm512_rsqrt14_ps(x.v);
  return r * (Vec(1.5f) - Vec(0.5f) * x * r * r);
}
inline Vec limit_magnitude(Vec z) {
  const __m512 limit = _mm512_set1_ps(1e18f);
  const __mmask16 over = _mm512_cmp_ps_mask(_mm512_abs_ps(z.v), limit, _CMP_GT_OQ);
  const __m512 sign = _mm512_and_ps(z.v, _mm512_set1_ps(-0.0f));
  return _mm512_mask_or_ps(z.v, over, limit, sign);
}

#elif defined(__AVX2__)

struct Vec {
  static constexpr int kLanes = 8;
  __m256 v;

  Vec() = default;
  Vec(__m256 m) : v(m) {}
  explicit Vec(float f) : v(_mm256_set1_ps(f)) {}
  explicit Vec(double f) : Vec(static_cast<float>(f)) {}
  explicit Vec(int f) : Vec(static_cast<float>(f)) {}
  static Vec load(const float* p) { return _mm256_loadu_ps(p); }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  double sum() const {
    float lanes[8];
    store(lanes);
    double total = 0;
    for (const float lane : lanes) total += static_cast<double>(lane);
    return total;
  }
};
inline Vec operator+(Vec a, Vec b) { return _mm256_add_ps(a.v, b.v); }
inline Vec operator-(Vec a, Vec b) { return _mm256_sub_ps(a.v, b.v); }
inline Vec operator*(Vec a, Vec b) { return _mm256_mul_ps(a.v, b.v); }
inline Vec operator/(Vec a, Vec b) { return _mm256_div_ps(a.v, b.v); }
/// Exact, by square root and division: the 12-bit estimate and one Newton step would give 22 bits only.
inline Vec rsqrt(Vec x) { return _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_sqrt_ps(x.v)); }
inline Vec limit_magnitude(Vec z) {
  const __m256 limit = _mm256_set1_ps(1e18f), sign_bit = _mm256_set1_ps(-0.0f);
  const __m256 over = _mm256_cmp_ps(_mm256_andnot_ps(sign_bit, z.v), limit, _CMP_GT_OQ);
  return _mm256_blendv_ps(z.v, _mm256_or_ps(limit, _mm256_and_ps(z.v, sign_bit)), over);
}

#endif

/// The interface of Vec for one number: f64, and f32 on CPUs without AVX2.
template <class T>
struct Scalar {
  static constexpr int kLanes = 1;
  T v;

  Scalar() = default;
  explicit Scalar(float f) : v(static_cast<T>(f)) {}
  explicit Scalar(double f) : v(static_cast<T>(f)) {}
  explicit Scalar(int f) : v(static_cast<T>(f)) {}
  static Scalar load(const T* p) { return Scalar(*p); }
  void store(T* p) const { *p = v; }
  double sum() const { return static_cast<double>(v); }

  friend Scalar operator+(Scalar a, Scalar b) { return Scalar(a.v + b.v); }
  friend Scalar operator-(Scalar a, Scalar b) { return Scalar(a.v - b.v); }
  friend Scalar operator*(Scalar a, Scalar b) { return Scalar(a.v * b.v); }
  friend Scalar operator/(Scalar a, Scalar b) { return Scalar(a.v / b.v); }
  friend Scalar rsqrt(Scalar x) { return Scalar(salu::rsqrt(x.v)); }
  friend Scalar limit_magnitude(Scalar z) { return Scalar(salu::limit_magnitude(z.v)); }
};

#if !defined(__AVX2__) && !defined(__AVX512F__)
using Vec = Scalar<float>;
#endif

}  // namespace salu::SALU_ISA
