// SPDX-License-Identifier: MIT
/// A register of floats for the hot loops. Files that include this are compiled once per instruction set,
/// each time with another SALU_ISA namespace (core/meson.build); include nothing here that defines
/// non-template inline functions used elsewhere, or the linker may pick the copy that needs a newer CPU.
#pragma once

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/dtype.h"
#include "core/ops/salu_math.h"

namespace salu::SALU_ISA {

// A bf16 is the upper half of a float. Stores round to nearest, ties to even, and keep NaN; by integers,
// because the instruction for it takes denormal numbers for 0.
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
  static Vec load(const bf16* p) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(bf16* p) const {
    const __m512i u = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), int32(1));
    const __m512i rounded = _mm512_add_epi32(u, _mm512_add_epi32(odd, int32(0x7fff)));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i kept = _mm512_mask_or_epi32(rounded, is_nan, u, int32(0x400000));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16)));
  }
  static __m512i int32(int i) { return _mm512_set1_epi32(i); }
  double sum() const { return static_cast<double>(_mm512_reduce_add_ps(v)); }
};
inline Vec operator+(Vec a, Vec b) { return _mm512_add_ps(a.v, b.v); }
inline Vec operator-(Vec a, Vec b) { return _mm512_sub_ps(a.v, b.v); }
inline Vec operator*(Vec a, Vec b) { return _mm512_mul_ps(a.v, b.v); }
inline Vec operator/(Vec a, Vec b) { return _mm512_div_ps(a.v, b.v); }
inline __mmask16 operator<(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
inline Vec select(__mmask16 when, Vec a, Vec b) { return _mm512_mask_blend_ps(when, b.v, a.v); }
inline Vec abs(Vec x) { return _mm512_abs_ps(x.v); }
inline Vec copysign(Vec x, Vec sign) {
  const __m512 sign_bit = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(sign_bit, x.v), _mm512_and_ps(sign_bit, sign.v));
}
/// A 14-bit estimate and one Newton step (error about 1e-8): 2.5 x the speed of square root and division.
inline Vec rsqrt(Vec x) {
  const Vec r = _mm512_rsqrt14_ps(x.v);
  return r * (Vec(1.5f) - Vec(0.5f) * x * r * r);
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
  static Vec load(const bf16* p) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  void store(bf16* p) const {
    const __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), int32(1));
    const __m256i rounded = _mm256_add_epi32(u, _mm256_add_epi32(odd, int32(0x7fff)));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i kept = _mm256_blendv_epi8(rounded, _mm256_or_si256(u, int32(0x400000)), is_nan);
    const __m256i high = _mm256_srli_epi32(kept, 16);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1)));
  }
  static __m256i int32(int i) { return _mm256_set1_epi32(i); }
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
/// All bits of a lane are 1 where it is so.
inline Vec operator<(Vec a, Vec b) { return _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ); }
inline Vec select(Vec when, Vec a, Vec b) { return _mm256_blendv_ps(b.v, a.v, when.v); }
inline Vec abs(Vec x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x.v); }
inline Vec copysign(Vec x, Vec sign) {
  return _mm256_or_ps(abs(x).v, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign.v));
}
/// Exact, by square root and division: the 12-bit estimate and one Newton step would give 22 bits only.
inline Vec rsqrt(Vec x) { return _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_sqrt_ps(x.v)); }

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
  template <class E>
  static Scalar load(const E* p) {
    return Scalar(static_cast<T>(*p));
  }
  template <class E>
  void store(E* p) const {
    *p = static_cast<E>(v);
  }
  double sum() const { return static_cast<double>(v); }

  friend Scalar operator+(Scalar a, Scalar b) { return Scalar(a.v + b.v); }
  friend Scalar operator-(Scalar a, Scalar b) { return Scalar(a.v - b.v); }
  friend Scalar operator*(Scalar a, Scalar b) { return Scalar(a.v * b.v); }
  friend Scalar operator/(Scalar a, Scalar b) { return Scalar(a.v / b.v); }
  friend Scalar operator-(Scalar x) { return Scalar(-x.v); }
  friend bool operator<(Scalar a, Scalar b) { return a.v < b.v; }
  friend bool operator>(Scalar a, Scalar b) { return a.v > b.v; }
  friend Scalar abs(Scalar x) { return Scalar(std::abs(x.v)); }
  friend Scalar copysign(Scalar x, Scalar sign) { return Scalar(std::copysign(x.v, sign.v)); }
  friend Scalar rsqrt(Scalar x) { return Scalar(salu::rsqrt(x.v)); }
};

#if defined(__AVX2__)
inline Vec operator-(Vec x) { return Vec(-0.0f) - x; }
inline auto operator>(Vec a, Vec b) { return b < a; }
#else
using Vec = Scalar<float>;
#endif

/// A whole register of an array: what `body` of each_register loads and stores.
template <class V>
struct Whole {
  template <class T>
  V load(const T* p) const {
    return V::load(p);
  }
  template <class T>
  void store(T* p, V v) const {
    v.store(p);
  }
};
/// The last `count` elements of an array: 0 follows them.
template <class V>
struct Part {
  std::size_t count;
  template <class T>
  V load(const T* p) const {
    T padded[V::kLanes]{};
    std::memcpy(padded, p, count * sizeof(T));
    return V::load(padded);
  }
  template <class T>
  void store(T* p, V v) const {
    T padded[V::kLanes];
    v.store(padded);
    std::memcpy(p, padded, count * sizeof(T));
  }
};

/// Calls `body(i, lanes)` for the registers of arrays of n elements; `lanes` loads and stores elements i ….
template <class V, class Body>
void each_register(std::int64_t n, Body body) {
  std::int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) body(i, Whole<V>{});
  if (i < n) body(i, Part<V>{static_cast<std::size_t>(n - i)});
}

}  // namespace salu::SALU_ISA
