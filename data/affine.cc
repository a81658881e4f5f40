// SPDX-License-Identifier: MIT
#include "data/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "data/pixel_loops.h"

namespace salu {
namespace {

// Pixels [begin, end) of line y.
void fill_line(Image& out, int y, int begin, int end, Rgb color) {
  for (int x = begin; x < end; ++x) std::memcpy(out.at(y, x), color.data(), 3);
}

// where(y, x) gives the source's line and column.
template <class Where>
Image gather(const Image& source, Rgb fill, const Where& where) {
  Image out(source.height, source.width);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const auto [sy, sx] = where(y, x);
      const bool inside = sy >= 0 && sx >= 0 && sy < source.height && sx < source.width;
      const std::uint8_t* from = inside ? source.at(static_cast<int>(sy), static_cast<int>(sx)) : fill.data();
      std::memcpy(out.at(y, x), from, 3);
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

// The border repeated `border` times on all sides, and a byte behind.
struct Bordered {
  std::vector<std::uint8_t> pixels;
  std::ptrdiff_t stride;
  const std::uint8_t* picture;
};

Bordered bordered(const Image& source, int border) {
  Bordered out;
  out.stride = std::ptrdiff_t{3} * (source.width + 2 * border);
  out.pixels.resize(static_cast<std::size_t>(out.stride * (source.height + 2 * border) + 1));
  std::uint8_t* to = out.pixels.data();
  for (int y = -border; y < source.height + border; ++y, to += out.stride) {
    const int line = std::clamp(y, 0, source.height - 1);
    std::memcpy(to + 3 * border, source.at(line, 0), static_cast<std::size_t>(3 * source.width));
    for (int i = 0; i < border; ++i) {
      std::memcpy(to + 3 * i, source.at(line, 0), 3);
      std::memcpy(to + 3 * (border + source.width + i), source.at(line, source.width - 1), 3);
    }
  }
  out.picture = out.pixels.data() + border * (out.stride + 3);
  return out;
}

Image interpolate(const Image& source, const Affine& m, Rgb fill, PixelLoops::Warp& warp, int border) {
  const Bordered from = bordered(source, border);
  Image out(source.height, source.width);
  for (int y = 0; y < out.height; ++y) {
    const auto inside = [&](int x) {
      const double right = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
      const double down = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
      return right >= 0 && right < source.width && down >= 0 && down < source.height;
    };
    int begin = 0, end = out.width;  // what lies inside is one piece: rounding keeps the order
    while (begin < end && !inside(begin)) ++begin;
    while (begin < end && !inside(end - 1)) --end;
    fill_line(out, y, 0, begin, fill);
    fill_line(out, y, end, out.width, fill);
    warp(out.at(y, begin), from.picture, from.stride, m.data(), begin, y, end - begin);
  }
  return out;
}

}  // namespace

Image affine(const Image& source, const Affine& m, Sampling sampling, Rgb fill) {
  if (sampling == Sampling::nearest) return nearest(source, m, fill);
  if (sampling == Sampling::bilinear) return interpolate(source, m, fill, *pixel_loops().warp_linear, 1);
  return interpolate(source, m, fill, *pixel_loops().warp_cubic, 2);
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
