// SPDX-License-Identifier: MIT
#include "data/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace salu {
namespace {

Image filled(int height, int width, Rgb color) {
  Image out(height, width);
  for (std::size_t i = 0; i < out.pixels.size(); i += 3) std::memcpy(&out.pixels[i], color.data(), 3);
  return out;
}

// where(y, x) gives the source's line and column.
template <class Where>
Image gather(const Image& source, Rgb fill, const Where& where) {
  Image out = filled(source.height, source.width, fill);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const auto [sy, sx] = where(y, x);
      if (sy < 0 || sx < 0 || sy >= source.height || sx >= source.width) continue;
      std::memcpy(out.at(y, x), source.at(static_cast<int>(sy), static_cast<int>(sx)), 3);
    }
  }
  return out;
}

struct Place {
  std::int64_t y, x;
};

// Without turning or shearing, Pillow adds up the positions along a line in double.
Image nearest_along_axes(const Image& source, const Affine& m, Rgb fill) {
  const auto positions = [](int count, double step, double start) {
    std::vector<std::int64_t> out;
    double at = start + step * 0.5;
    for (int i = 0; i < count; ++i, at += step) out.push_back(at < 0 ? -1 : static_cast<std::int64_t>(at));
    return out;
  };
  const auto columns = positions(source.width, m[0], m[2]), rows = positions(source.height, m[4], m[5]);
  return gather(source, fill, [&](int y, int x) {
    return Place{rows[static_cast<std::size_t>(y)], columns[static_cast<std::size_t>(x)]};
  });
}

Image nearest(const Image& source, const Affine& m, Rgb fill) {
  if (m[1] == 0 && m[3] == 0) return nearest_along_axes(source, m, fill);
  constexpr int kBits = 16;
  const auto fixed = [](double v) { return static_cast<std::int64_t>(std::floor(v * (1 << kBits) + 0.5)); };
  const std::int64_t xx = fixed(m[0]), xy = fixed(m[1]), x0 = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
  const std::int64_t yx = fixed(m[3]), yy = fixed(m[4]), y0 = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  return gather(source, fill, [=](int y, int x) {
    return Place{(y0 + y * yy + x * yx) >> kBits, (x0 + y * xy + x * xx) >> kBits};
  });
}

double linear(const std::array<double, 2>& v, double t) { return v[0] + (v[1] - v[0]) * t; }

// The cubic through v[1] and v[2] whose slopes there are v[2] - v[0] and v[3] - v[1]: Keys with a = -1.
double cubic(const std::array<double, 4>& v, double t) {
  const double p2 = -v[0] + v[2], p3 = 2 * (v[0] - v[1]) + v[2] - v[3], p4 = -v[0] + v[1] - v[2] + v[3];
  return v[1] + t * (p2 + t * (p3 + t * p4));
}

// Interpolates along kTaps lines, then between them; the border repeats itself.
template <std::size_t kTaps>
Image interpolate(const Image& source, const Affine& m, Rgb fill,
                  double (*curve)(const std::array<double, kTaps>&, double)) {
  constexpr int kBefore = static_cast<int>(kTaps) / 2 - 1;
  Image out = filled(source.height, source.width, fill);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const double at_x = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
      const double at_y = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
      if (!(at_x >= 0 && at_x < source.width && at_y >= 0 && at_y < source.height)) continue;
      const int left = static_cast<int>(std::floor(at_x - 0.5)),
                top = static_cast<int>(std::floor(at_y - 0.5));
      std::array<const std::uint8_t*, kTaps> lines;
      std::array<int, kTaps> columns;
      for (std::size_t i = 0; i < kTaps; ++i) {
        const int step = static_cast<int>(i) - kBefore;
        lines[i] = source.at(std::clamp(top + step, 0, source.height - 1), 0);
        columns[i] = 3 * std::clamp(left + step, 0, source.width - 1);
      }
      for (int c = 0; c < 3; ++c) {
        std::array<double, kTaps> along, across;
        for (std::size_t k = 0; k < kTaps; ++k) {
          for (std::size_t i = 0; i < kTaps; ++i) along[i] = lines[k][columns[i] + c];
          across[k] = curve(along, at_x - 0.5 - left);
        }
        const double value = curve(across, at_y - 0.5 - top);
        out.at(y, x)[c] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return out;
}

}  // namespace

Image affine(const Image& source, const Affine& m, Sampling sampling, Rgb fill) {
  if (sampling == Sampling::nearest) return nearest(source, m, fill);
  if (sampling == Sampling::bilinear) return interpolate<2>(source, m, fill, linear);
  return interpolate<4>(source, m, fill, cubic);
}

Affine rotation(int height, int width, double degrees) {
  double turn = std::fmod(degrees, 360);
  if (turn < 0) turn += 360;
  const double angle = -turn * (std::numbers::pi / 180);
  // To 15 decimals, so that right angles are exact; in long double, whose product with 1e15 rounds right.
  const auto rounded = [](double v) { return static_cast<double>(std::nearbyint(v * 1e15L)) / 1e15; };
  const double cosine = rounded(std::cos(angle)), sine = rounded(std::sin(angle));
  const double x = width / 2.0, y = height / 2.0;
  return {cosine, sine, cosine * -x + sine * -y + 0.0 + x, -sine, cosine, -sine * -x + cosine * -y + 0.0 + y};
}

}  // namespace salu
