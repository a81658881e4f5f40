// SPDX-License-Identifier: MIT
/// Compiled once per instruction set (data/meson.build). Plain loops of fixed length, which the compiler
/// vectorises; no function of a header may be used here but constexpr ones, or the linker may pick the copy
/// that needs a newer CPU.
#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "data/pixel_loops.h"

namespace salu::SALU_ISA {
namespace {

/// A pixel in double: red, green, blue, and an unused fourth number.
#ifdef __AVX2__

struct Quad {
  __m256d v;

  /// Reads four bytes.
  static Quad load(const std::uint8_t* rgb) {
    std::int32_t bytes;
    std::memcpy(&bytes, rgb, 4);
    return {_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)))};
  }
  /// Truncates to 8 bits and writes three bytes.
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

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_byte(std::int32_t sum) {
  const std::int32_t value = sum >> kWeightBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Interleaves pixel x of all lines, 4 bytes each, so that one tap is a product of whole registers.
void gather_lines(std::uint8_t* lanes, const std::uint8_t* from, std::ptrdiff_t stride, int width,
                  int lines) {
  constexpr int kLines = PixelLoops::kLines;
  for (int line = 0; line < kLines; ++line) {
    const std::uint8_t* pixel = from + (line < lines ? line : lines - 1) * stride;
    std::uint8_t* to = lanes + 4 * line;
    for (int x = 1; x < width; ++x, pixel += 3, to += 4 * kLines) std::memcpy(to, pixel, 4);
    std::memcpy(to, pixel, 3);  // the byte after the last pixel may not exist
  }
}

void across(std::uint8_t* out, std::ptrdiff_t out_stride, int out_width, const std::uint8_t* from,
            std::ptrdiff_t stride, int width, int lines, const PixelTaps* taps, const std::int32_t* weights,
            std::uint8_t* lanes) {
  constexpr int kLanes = 4 * PixelLoops::kLines;
  gather_lines(lanes, from, stride, width, lines);
  for (int x = 0; x < out_width; ++x, ++taps, out += 3) {
    std::int32_t sums[kLanes];
    for (std::int32_t& sum : sums) sum = kHalf;
    const std::uint8_t* tap = lanes + taps->begin * kLanes;
    const std::int32_t* weight = weights + taps->first_weight;
    for (int k = 0; k < taps->count; ++k, tap += kLanes) {
      for (int i = 0; i < kLanes; ++i) sums[i] += tap[i] * weight[k];
    }
    std::uint8_t bytes[kLanes];
    for (int i = 0; i < kLanes; ++i) bytes[i] = to_byte(sums[i]);
    for (int line = 0; line < lines; ++line) std::memcpy(out + line * out_stride, bytes + 4 * line, 3);
  }
}

void down(std::uint8_t* out, int bytes, const std::uint8_t* from, std::ptrdiff_t stride, int count,
          const std::int32_t* weights, std::int32_t* sums) {
  for (int i = 0; i < bytes; ++i) sums[i] = kHalf;
  for (int k = 0; k < count; ++k, from += stride) {
    for (int i = 0; i < bytes; ++i) sums[i] += from[i] * weights[k];
  }
  for (int i = 0; i < bytes; ++i) out[i] = to_byte(sums[i]);
}

void blend(std::uint8_t* from, const std::uint8_t* to, std::size_t bytes, float factor) {
  for (std::size_t i = 0; i < bytes; ++i) {
    const int base = from[i];
    const float value = static_cast<float>(base) + factor * static_cast<float>(to[i] - base);
    from[i] = static_cast<std::uint8_t>(value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value);
  }
}

void grey(std::uint8_t* out, const std::uint8_t* rgb, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels; ++i, rgb += 3, out += 3) {
    const int sum = rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000;
    out[0] = out[1] = out[2] = static_cast<std::uint8_t>(sum >> 16);
  }
}

// Thirteenths never lie halfway between integers, so integer arithmetic gives Pillow's float results.
void smooth(std::uint8_t* out, const std::uint8_t* line, std::ptrdiff_t stride, int bytes) {
  const std::uint8_t *above = line - stride, *below = line + stride;
  for (int i = 0; i < bytes; ++i) {
    const int sum = above[i - 3] + above[i] + above[i + 3] + line[i - 3] + 5 * line[i] + line[i + 3] +
                    below[i - 3] + below[i] + below[i + 3];
    const auto twice = static_cast<std::uint16_t>(2 * sum + 13);
    out[i] = static_cast<std::uint8_t>(twice / 26);
  }
}

Quad curve(const Quad (&v)[2], double t) { return v[0] + t * (v[1] - v[0]); }

// The cubic through v[1] and v[2] whose slopes there are v[2] - v[0] and v[3] - v[1]: Keys with a = -1.
Quad curve(const Quad (&v)[4], double t) {
  const Quad p2 = v[2] - v[0], p3 = 2 * (v[0] - v[1]) + v[2] - v[3], p4 = v[1] - v[0] - v[2] + v[3];
  return v[1] + t * (p2 + t * (p3 + t * p4));
}

// Interpolates along kTaps lines, then between them.
template <int kTaps>
void warp(std::uint8_t* out, const std::uint8_t* image, std::ptrdiff_t stride, const double* m, int x, int y,
          int count) {
  constexpr int kBefore = kTaps / 2 - 1, kRun = 16;
  for (int begin = 0; begin < count; begin += kRun) {
    double right[kRun], down[kRun];
    std::ptrdiff_t corner[kRun];
    for (int i = 0; i < kRun; ++i) {
      const double middle = x + begin + i + 0.5;
      right[i] = m[0] * middle + m[1] * (y + 0.5) + m[2] - 0.5;
      down[i] = m[3] * middle + m[4] * (y + 0.5) + m[5] - 0.5;
      const int column = static_cast<int>(right[i]) - (right[i] < 0),
                line = static_cast<int>(down[i]) - (down[i] < 0);
      corner[i] = (line - kBefore) * stride + 3 * (column - kBefore);
      right[i] -= column;
      down[i] -= line;
    }
    const int run = count - begin < kRun ? count - begin : kRun;
    for (int i = 0; i < run; ++i, out += 3) {
      Quad lines[kTaps];
      for (int k = 0; k < kTaps; ++k) {
        Quad along[kTaps];
        for (int j = 0; j < kTaps; ++j) along[j] = Quad::load(image + corner[i] + k * stride + 3 * j);
        lines[k] = curve(along, right[i]);
      }
      curve(lines, down[i]).store(out);
    }
  }
}

}  // namespace

const PixelLoops pixel_loops = {across, down, blend, grey, smooth, warp<2>, warp<4>};

}  // namespace salu::SALU_ISA
