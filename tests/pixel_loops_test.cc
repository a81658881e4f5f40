// SPDX-License-Identifier: MIT
/// The loops over pixels: each instruction set that this CPU has gives the bits of plain arithmetic, and
/// nothing is written beyond the end.
#include "data/pixel_loops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/rng.h"
#include "tests/catch.h"

namespace salu {

namespace test {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr int kSizes[] = {1, 2, 3, 5, 16, 21, 33, 100, 224};
constexpr std::uint8_t kGuard = 0xA5;

std::vector<const PixelLoops*> tables() {
  std::vector<const PixelLoops*> out{&baseline::pixel_loops};
  if (__builtin_cpu_supports("avx2")) out.push_back(&avx2::pixel_loops);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    out.push_back(&avx512::pixel_loops);
  return out;
}

Bytes noise(int count, std::uint32_t index) {
  Rng rng({3, Purpose::test, 0, index});
  Bytes out;
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(rng.next()));
  return out;
}

// Weights of either sign that add up to 1, as the bicubic filter has.
std::vector<std::int32_t> weights(int count, Rng& rng) {
  std::vector<std::int32_t> out;
  std::int32_t left = 1 << kWeightBits;
  for (int k = 1; k < count; ++k) {
    out.push_back(static_cast<std::int32_t>(rng.uniform(-0.2, 0.5) * (1 << kWeightBits)));
    left -= out.back();
  }
  out.push_back(left);
  return out;
}

int filtered(double sum) {
  return static_cast<int>(std::clamp(std::floor(sum / (1 << kWeightBits) + 0.5), 0.0, 255.0));
}

TEST_CASE("lines are filtered along x, up to sixteen at a time") {
  for (const PixelLoops* loops : tables()) {
    for (const int width : kSizes) {
      Rng rng({4, Purpose::test, 0, static_cast<std::uint32_t>(width)});
      const int lines = 1 + static_cast<int>(rng.below(PixelLoops::kLines)), out_width = 1 + width / 2,
                stride = 3 * width + 5;
      // No byte follows the last pixel of the last line: a memory checker finds a read there.
      const Bytes from = noise((lines - 1) * stride + 3 * width, 1);
      std::vector<PixelTaps> taps;
      std::vector<std::int32_t> all;
      for (int x = 0; x < out_width; ++x) {
        const int begin = static_cast<int>(rng.below(static_cast<std::uint32_t>(width)));
        const int count =
            1 + static_cast<int>(rng.below(static_cast<std::uint32_t>(std::min(width - begin, 7))));
        taps.push_back({begin, count, static_cast<int>(all.size())});
        for (const std::int32_t w : weights(count, rng)) all.push_back(w);
      }
      Bytes out(static_cast<std::size_t>(lines * (3 * out_width + 1)), kGuard);
      Bytes lanes(static_cast<std::size_t>(4 * PixelLoops::kLines * width));
      loops->across(out.data(), 3 * out_width + 1, out_width, from.data(), stride, width, lines, taps.data(),
                    all.data(), lanes.data());
      for (int y = 0; y < lines; ++y) {
        const std::uint8_t* line = &out[static_cast<std::size_t>(y * (3 * out_width + 1))];
        for (int i = 0; i < 3 * out_width; ++i) {
          const PixelTaps& t = taps[static_cast<std::size_t>(i / 3)];
          double sum = 0;
          for (int k = 0; k < t.count; ++k) {
            sum +=
                static_cast<double>(from[static_cast<std::size_t>(y * stride + 3 * (t.begin + k) + i % 3)]) *
                all[static_cast<std::size_t>(t.first_weight + k)];
          }
          REQUIRE(line[i] == filtered(sum));
        }
        CHECK(line[3 * out_width] == kGuard);
      }
    }
  }
}

TEST_CASE("lines are summed") {
  for (const PixelLoops* loops : tables()) {
    for (const int bytes : kSizes) {
      for (const int count : {1, 2, 5, 9}) {
        Rng rng({5, Purpose::test, 0, static_cast<std::uint32_t>(bytes)});
        const Bytes from = noise(count * (bytes + 1), 2);
        const std::vector<std::int32_t> w = weights(count, rng);
        Bytes out(static_cast<std::size_t>(bytes + 1), kGuard);
        std::vector<std::int32_t> sums(static_cast<std::size_t>(bytes));
        loops->down(out.data(), bytes, from.data(), bytes + 1, count, w.data(), sums.data());
        for (int i = 0; i < bytes; ++i) {
          double sum = 0;
          for (int k = 0; k < count; ++k) {
            sum += static_cast<double>(from[static_cast<std::size_t>(k * (bytes + 1) + i)]) *
                   w[static_cast<std::size_t>(k)];
          }
          REQUIRE(out[static_cast<std::size_t>(i)] == filtered(sum));
        }
        CHECK(out.back() == kGuard);
      }
    }
  }
}

TEST_CASE("blending, greying and smoothing give the same bits with all instruction sets") {
  for (const PixelLoops* loops : tables()) {
    for (const int width : kSizes) {
      const int bytes = 3 * width;
      const Bytes a = noise(bytes, 6), b = noise(bytes, 7), lines = noise(3 * (bytes + 6), 8);
      for (const float factor : {-0.7f, 0.0f, 0.1f, 0.5f, 1.0f, 1.9f, 1e9f}) {
        Bytes out = a;
        out.push_back(kGuard);
        loops->blend(out.data(), b.data(), b.size(), factor);
        for (std::size_t i = 0; i < b.size(); ++i) {
          const float exact = static_cast<float>(a[i]) + factor * static_cast<float>(b[i] - a[i]);
          REQUIRE(out[i] == static_cast<int>(std::clamp(exact, 0.0f, 255.0f)));
        }
        CHECK(out.back() == kGuard);
      }
      Bytes grey(a.size() + 1, kGuard), smooth(a.size() + 1, kGuard);
      loops->grey(grey.data(), a.data(), a.size() / 3);
      loops->smooth(smooth.data(), lines.data() + bytes + 6 + 3, bytes + 6, bytes);
      for (int i = 0; i < bytes; ++i) {
        const std::uint8_t* rgb = &a[static_cast<std::size_t>(i - i % 3)];
        REQUIRE(grey[static_cast<std::size_t>(i)] ==
                (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 32768) / 65536);
        double sum = 4.0 * lines[static_cast<std::size_t>(bytes + 6 + 3 + i)];
        for (int y = 0; y < 3; ++y) {
          for (int x = 0; x < 3; ++x) sum += lines[static_cast<std::size_t>(y * (bytes + 6) + i + 3 * x)];
        }
        REQUIRE(smooth[static_cast<std::size_t>(i)] == static_cast<int>(std::floor(sum / 13 + 0.5)));
      }
      CHECK(grey.back() == kGuard);
      CHECK(smooth.back() == kGuard);
    }
  }
}

// Shares of the pixels from column -1 on, at a share t of the way from pixel 0 to pixel 1; written out for
// each pixel where the code under test takes Horner's form.
std::vector<double> shares(bool cubic, double t) {
  if (!cubic) return {0, 1 - t, t, 0};
  return {-t + 2 * t * t - t * t * t, 1 - 2 * t * t + t * t * t, t + t * t - t * t * t, -t * t + t * t * t};
}

double warped(const std::uint8_t* image, std::ptrdiff_t stride, double right, double down, bool cubic) {
  const double column = std::floor(right - 0.5), line = std::floor(down - 0.5);
  const std::vector<double> across = shares(cubic, right - 0.5 - column),
                            along = shares(cubic, down - 0.5 - line);
  double sum = 0;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 4; ++j) {
      const std::ptrdiff_t at =
          (static_cast<int>(line) + k - 1) * stride + 3 * (static_cast<int>(column) + j - 1);
      sum += along[static_cast<std::size_t>(k)] * across[static_cast<std::size_t>(j)] * image[at];
    }
  }
  return std::clamp(sum, 0.0, 255.0);
}

TEST_CASE("warping takes every pixel from where it should, with all instruction sets") {
  constexpr double kSure = 1e-9;  // nearer to a whole number, rounding decides
  for (const PixelLoops* loops : tables()) {
    for (const int side : kSizes) {
      const std::ptrdiff_t stride = 3 * (side + 4);
      const Bytes lines = noise(static_cast<int>(stride) * (side + 4) + 1, 9);
      const std::uint8_t* image = lines.data() + 2 * stride + 6;
      // Within the image: the first leaves it as it is, the second ends at its first pixel's outer corner.
      const double matrices[][6] = {
          {1, 0, 0, 0, 1, 0}, {0.5, 0, -0.25, 0, 0.5, -0.25}, {0.4, 0.3, 0.1, -0.3, 0.4, 0.35 * side}};
      for (const auto& m : matrices) {
        for (const int y : {0, side / 2, side - 1}) {
          Bytes linear(static_cast<std::size_t>(3 * side + 1), kGuard), cubic = linear;
          loops->warp_linear(linear.data(), image, stride, m, 0, y, side);
          loops->warp_cubic(cubic.data(), image, stride, m, 0, y, side);
          for (int i = 0; i < 3 * side; ++i) {
            const double x = i / 3 + 0.5;
            const double right = m[0] * x + m[1] * (y + 0.5) + m[2],
                         down = m[3] * x + m[4] * (y + 0.5) + m[5];
            for (const bool is_cubic : {false, true}) {
              const double exact = warped(image + i % 3, stride, right, down, is_cubic);
              const int got = (is_cubic ? cubic : linear)[static_cast<std::size_t>(i)];
              const bool right_bits =
                  got == static_cast<int>(exact + kSure) || got == static_cast<int>(exact - kSure);
              REQUIRE(right_bits);
            }
          }
          CHECK(linear.back() == kGuard);
          CHECK(cubic.back() == kGuard);
        }
      }
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace salu
