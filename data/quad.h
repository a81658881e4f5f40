// SPDX-License-Identifier: MIT
/// A pixel in double: red, green, blue, and a fourth number that nobody reads. Files that include this are
/// compiled once per instruction set, each time with another SALU_ISA namespace (data/meson.build).
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace salu::SALU_ISA {

#ifdef __AVX2__

struct Quad {
  __m256d v;

  /// Reads four bytes.
  static Quad load(const std::uint8_t* rgb) {
    std::int32_t bytes;
    std::memcpy(&bytes, rgb, 4);
    return {_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)))};
  }
  /// Cuts to 8 bits and writes three bytes.
  void store(std::uint8_t* rgb) const {
    const __m128i whole = _mm256_cvttpd_epi32(v), words = _mm_packus_epi32(whole, whole);
    const std::int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(rgb, &bytes, 3);
  }
  friend Quad operator+(Quad a, Quad b) { return {_mm256_add_pd(a.v, b.v)}; }
  friend Quad operator-(Quad a, Quad b) { return {_mm256_sub_pd(a.v, b.v)}; }
  friend Quad operator*(double t, Quad a) { return {_mm256_mul_pd(_mm256_set1_pd(t), a.v)}; }
};

#else

struct Quad {
  double v[4];

  static Quad load(const std::uint8_t* rgb) {
    return {{static_cast<double>(rgb[0]), static_cast<double>(rgb[1]), static_cast<double>(rgb[2]), 0}};
  }
  void store(std::uint8_t* rgb) const {
    for (int i = 0; i < 3; ++i) {
      rgb[i] = static_cast<std::uint8_t>(v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i]);
    }
  }
  template <class Function>
  static Quad each(const Function& value) {
    return {{value(0), value(1), value(2), value(3)}};
  }
  friend Quad operator+(const Quad& a, const Quad& b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend Quad operator-(const Quad& a, const Quad& b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend Quad operator*(double t, const Quad& a) {
    return each([&](int i) { return t * a.v[i]; });
  }
};

#endif

}  // namespace salu::SALU_ISA
