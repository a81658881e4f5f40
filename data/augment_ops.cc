// SPDX-License-Identifier: MIT
#include "data/augment_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "data/pixel_loops.h"

namespace salu {
namespace {

// Fills the pixels [begin, end) of line y.
void fill_line(Image& out, int y, int begin, int end, Rgb color) {
  for (int x = begin; x < end; ++x) std::memcpy(out.at(y, x), color.data(), 3);
}

// `where(y, x)` returns the line and column of the source.
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

// Pillow accumulates the positions along a line in double when there is no rotation or shear.
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

// The image with its border pixels repeated `border` times on all sides, and one byte after the last pixel.
struct Bordered {
  std::vector<std::uint8_t> pixels;
  std::ptrdiff_t stride;
  const std::uint8_t* image;
};

Bordered with_repeated_border(const Image& source, int border) {
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
  out.image = out.pixels.data() + border * (out.stride + 3);
  return out;
}

Image interpolate(const Image& source, const Affine& m, Rgb fill, PixelLoops::Warp& warp, int border) {
  const Bordered from = with_repeated_border(source, border);
  Image out(source.height, source.width);
  for (int y = 0; y < out.height; ++y) {
    const auto inside = [&](int x) {
      const double right = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
      const double down = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
      return right >= 0 && right < source.width && down >= 0 && down < source.height;
    };
    int begin = 0, end = out.width;  // the inner part is contiguous: rounding keeps the order
    while (begin < end && !inside(begin)) ++begin;
    while (begin < end && !inside(end - 1)) --end;
    fill_line(out, y, 0, begin, fill);
    fill_line(out, y, end, out.width, fill);
    warp(out.at(y, begin), from.image, from.stride, m.data(), begin, y, end - begin);
  }
  return out;
}

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

template <class Function>
Table table_of(const Function& function) {
  Table table;
  for (int i = 0; i < 256; ++i) {
    table[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(function(i), 0, 255));
  }
  return table;
}

// Maps each channel by make_table(its histogram).
template <class MakeTable>
Image by_histogram(Image image, const MakeTable& make_table) {
  std::array<Histogram, 3> histograms{};
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) ++histograms[c][image.pixels[i + c]];
  }
  const std::array<Table, 3> tables = {make_table(histograms[0]), make_table(histograms[1]),
                                       make_table(histograms[2])};
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) image.pixels[i + c] = tables[c][image.pixels[i + c]];
  }
  return image;
}

// Maps each value by a function instead of a table, so that the compiler processes 16 values at once.
template <class Function>
Image by_value(Image image, const Function& function) {
  for (std::uint8_t& v : image.pixels) v = static_cast<std::uint8_t>(std::min(function(int{v}), 255));
  return image;
}

Table stretched(const Histogram& histogram) {
  const auto used = [](std::int64_t count) { return count > 0; };
  const auto low = std::find_if(histogram.begin(), histogram.end(), used) - histogram.begin();
  const auto high = 255 - (std::find_if(histogram.rbegin(), histogram.rend(), used) - histogram.rbegin());
  if (high <= low) return table_of([](int i) { return i; });
  const double scale = 255.0 / static_cast<double>(high - low);
  const double offset = -static_cast<double>(low) * scale;
  return table_of([=](int i) { return static_cast<int>(i * scale + offset); });
}

Table evened(const Histogram& histogram) {
  std::int64_t total = 0, last = 0;
  for (const std::int64_t count : histogram) {
    total += count;
    if (count > 0) last = count;
  }
  const std::int64_t step = (total - last) / 255;
  if (step == 0) return table_of([](int i) { return i; });
  std::int64_t below = step / 2;
  return table_of([&](int i) {
    const std::int64_t value = below / step;
    below += histogram[static_cast<std::size_t>(i)];
    return static_cast<int>(std::min<std::int64_t>(value, 255));
  });
}

Image evenly(const Image& source, int value) {
  Image out(source.height, source.width);
  std::fill(out.pixels.begin(), out.pixels.end(), static_cast<std::uint8_t>(value));
  return out;
}

Image greyed(const Image& source) {
  Image out(source.height, source.width);
  pixel_loops().grey(out.pixels.data(), source.pixels.data(), source.pixels.size() / 3);
  return out;
}

int mean_grey(const Image& source) {
  const Image grey = greyed(source);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < grey.pixels.size(); i += 3) sum += grey.pixels[i];
  return static_cast<int>(static_cast<double>(sum) / (static_cast<double>(grey.pixels.size()) / 3) + 0.5);
}

// Keeps the border pixels unchanged.
Image smoothed(const Image& source) {
  Image out = source;
  if (source.width < 3) return out;
  for (int y = 1; y < source.height - 1; ++y) {
    pixel_loops().smooth(out.at(y, 1), source.at(y, 1), std::ptrdiff_t{3} * source.width,
                         3 * (source.width - 2));
  }
  return out;
}

// `from` is the result of factor 0, `to` that of factor 1.
Image blended(Image from, const Image& to, double factor) {
  pixel_loops().blend(from.pixels.data(), to.pixels.data(), from.pixels.size(), static_cast<float>(factor));
  return from;
}

Affine matrix_of(const Image& source, AugmentKind kind, double value) {
  if (kind == AugmentKind::rotate) return rotation(source.height, source.width, value);
  if (kind == AugmentKind::shear_x) return {1, value, 0, 0, 1, 0};
  if (kind == AugmentKind::shear_y) return {1, 0, 0, value, 1, 0};
  if (kind == AugmentKind::translate_x) return {1, 0, value, 0, 1, 0};
  return {1, 0, 0, 0, 1, value};
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
  // Rounds to 15 decimals, so that right angles are exact. long double makes the product with 1e15 round
  // correctly.
  const auto rounded = [](double v) { return static_cast<double>(std::nearbyint(v * 1e15L)) / 1e15; };
  const double cosine = rounded(std::cos(angle)), sine = rounded(std::sin(angle));
  const double x = width / 2.0, y = height / 2.0;
  return {cosine, sine, cosine * -x + sine * -y + 0.0 + x, -sine, cosine, -sine * -x + cosine * -y + 0.0 + y};
}

Image augment(Image source, AugmentKind kind, double value, const Warp& warp) {
  switch (kind) {
    case AugmentKind::identity:
      return source;
    case AugmentKind::auto_contrast:
      return by_histogram(std::move(source), stretched);
    case AugmentKind::equalize:
      return by_histogram(std::move(source), evened);
    case AugmentKind::invert:
      return by_value(std::move(source), [](int i) { return 255 - i; });
    case AugmentKind::posterize:
      return by_value(std::move(source),
                      [lost = 8 - static_cast<int>(value)](int i) { return i >> lost << lost; });
    case AugmentKind::solarize:
      return by_value(std::move(source), [limit = static_cast<int>(std::ceil(value))](int i) {
        return i < limit ? i : 255 - i;
      });
    case AugmentKind::solarize_add:
      return by_value(std::move(source),
                      [add = static_cast<int>(value)](int i) { return i < 128 ? i + add : i; });
    case AugmentKind::brightness:
      return blended(evenly(source, 0), source, value);
    case AugmentKind::contrast:
      return blended(evenly(source, mean_grey(source)), source, value);
    case AugmentKind::color:
      return blended(greyed(source), source, value);
    case AugmentKind::sharpness:
      return blended(smoothed(source), source, value);
    default:
      return affine(source, matrix_of(source, kind, value), warp.sampling, warp.fill);
  }
}

}  // namespace salu
