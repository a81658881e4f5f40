// SPDX-License-Identifier: MIT
/// The hot loops over 8-bit pixels, one table of functions per instruction set. All tables give the same
/// bits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace salu {

/// What one output pixel takes from a line of the source: weights[first_weight + i] of pixel begin + i.
struct PixelTaps {
  int begin = 0, count = 0, first_weight = 0;
};

inline constexpr int kWeightBits = 22;  ///< 8 bits of pixel, 22 of weight, and 2 for overshoot fill an int32

struct PixelLoops {
  static constexpr int kLines = 16;  ///< that `across` takes at a time

  /// Filters up to kLines lines of RGB along x. `lanes` has room for 4 kLines values per source pixel.
  void (*across)(std::uint8_t* out, std::ptrdiff_t out_stride, int out_width, const std::uint8_t* from,
                 std::ptrdiff_t stride, int width, int lines, const PixelTaps* taps,
                 const std::int32_t* weights, std::uint8_t* lanes);
  /// Sums `count` lines of `bytes` values. `sums` has room for `bytes` values.
  void (*down)(std::uint8_t* out, int bytes, const std::uint8_t* from, std::ptrdiff_t stride, int count,
               const std::int32_t* weights, std::int32_t* sums);
  /// from + factor (to - from) in float, cut to 8 bits.
  void (*blend)(std::uint8_t* from, const std::uint8_t* to, std::size_t bytes, float factor);
  /// RGB to three equal values: ITU-R 601 in 16 binary digits.
  void (*grey)(std::uint8_t* out, const std::uint8_t* rgb, std::size_t pixels);
  /// Means of 3 x 3 pixels in which the middle one counts five times, rounded. The line lies between two
  /// others, and its pointers have a pixel before and behind.
  void (*smooth)(std::uint8_t* out, const std::uint8_t* line, std::ptrdiff_t stride, int bytes);
  /// `count` pixels of a line, from (x, y) on: the pixel whose middle is (x, y) takes the source at
  /// (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), which lies in the picture. `picture` has another pixel
  /// (cubic: two) on all sides, and a byte behind. In double, cut to 8 bits.
  using Warp = void(std::uint8_t* out, const std::uint8_t* picture, std::ptrdiff_t stride, const double* m,
                    int x, int y, int count);
  Warp *warp_linear, *warp_cubic;
};

/// The table of the best instruction set this CPU has.
const PixelLoops& pixel_loops();

}  // namespace salu
