// SPDX-License-Identifier: MIT
/// The hot loops over 8-bit pixels, one table of functions per instruction set. All tables give the same
/// bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace salu {

/// Filter taps of one output pixel: weights[first_weight + i] for pixel begin + i of a source line.
struct PixelTaps {
  int begin = 0, count = 0, first_weight = 0;
};

inline constexpr int kWeightBits = 22;  ///< an int32 holds 8 bits of pixel, 22 of weight, and 2 for overshoot

struct PixelLoops {
  static constexpr int kLines = 16;  ///< most lines per call of `across`

  /// Filters up to kLines lines of RGB along x. `lanes` has room for 4 kLines values per source pixel.
  void (*across)(std::uint8_t* out, std::ptrdiff_t out_stride, int out_width, const std::uint8_t* from,
                 std::ptrdiff_t stride, int width, int lines, const PixelTaps* taps,
                 const std::int32_t* weights, std::uint8_t* lanes);
  /// Vertical filter: sums `count` lines of `bytes` values. `sums` has room for `bytes` values.
  void (*down)(std::uint8_t* out, int bytes, const std::uint8_t* from, std::ptrdiff_t stride, int count,
               const std::int32_t* weights, std::int32_t* sums);
  /// from + factor (to - from) in float, clamped to 8 bits.
  void (*blend)(std::uint8_t* from, const std::uint8_t* to, std::size_t bytes, float factor);
  /// RGB to three equal values: ITU-R 601 in 16 binary digits.
  void (*grey)(std::uint8_t* out, const std::uint8_t* rgb, std::size_t pixels);
  /// Rounded means of 3 x 3 pixels in which the centre counts five times. The pointers have a line above and
  /// below, and a pixel before and after.
  void (*smooth)(std::uint8_t* out, const std::uint8_t* line, std::ptrdiff_t stride, int bytes);
  /// Warps `count` pixels of a line, from (x, y) on: the pixel centred at (x, y) samples (m[0] x + m[1] y +
  /// m[2], m[3] x + m[4] y + m[5]), which lies in the image. `image` is bordered by one pixel (cubic: two) on
  /// all sides, and has one byte after the last pixel. Computed in double, truncated to 8 bits.
  using Warp = void(std::uint8_t* out, const std::uint8_t* image, std::ptrdiff_t stride, const double* m,
                    int x, int y, int count);
  Warp *warp_linear, *warp_cubic;
};

// One table per instruction set: pixel_loops_isa.cc is compiled three times.
namespace baseline {
extern const PixelLoops pixel_loops;
}
namespace avx2 {
extern const PixelLoops pixel_loops;
}
namespace avx512 {
extern const PixelLoops pixel_loops;
}

/// The table of the best instruction set of this CPU.
inline const PixelLoops& pixel_loops() {
  static const PixelLoops& picked = []() -> const PixelLoops& {
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return avx512::pixel_loops;
    return __builtin_cpu_supports("avx2") ? avx2::pixel_loops : baseline::pixel_loops;
  }();
  return picked;
}

}  // namespace salu
