// SPDX-License-Identifier: MIT
#include "data/augment_ops.h"

#include <algorithm>

namespace salu {
namespace {

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

// make_table(histogram of the channel) for each channel.
template <class MakeTable>
Image by_histogram(const Image& source, const MakeTable& make_table) {
  Image out = source;
  for (std::size_t c = 0; c < 3; ++c) {
    Histogram histogram{};
    for (std::size_t i = c; i < source.pixels.size(); i += 3) ++histogram[source.pixels[i]];
    const Table table = make_table(histogram);
    for (std::size_t i = c; i < out.pixels.size(); i += 3) out.pixels[i] = table[source.pixels[i]];
  }
  return out;
}

template <class Function>
Image by_value(const Image& source, const Function& function) {
  const Table table = table_of(function);
  Image out = source;
  for (std::uint8_t& v : out.pixels) v = table[v];
  return out;
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

std::uint8_t grey(const std::uint8_t* rgb) {  // ITU-R 601 in 16 binary digits
  return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

// other + factor (source - other) in float, cut to 8 bits; other(position in pixels) is what factor 0 gives.
template <class Other>
Image away_from(const Image& source, double factor, const Other& other) {
  const float f = static_cast<float>(factor);
  Image out(source.height, source.width);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    const int from = other(i);
    const float value = static_cast<float>(from) + f * static_cast<float>(source.pixels[i] - from);
    out.pixels[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f));
  }
  return out;
}

Image with_contrast(const Image& source, double factor) {
  double sum = 0;
  for (std::size_t i = 0; i < source.pixels.size(); i += 3) sum += grey(&source.pixels[i]);
  const int mean = static_cast<int>(sum / (static_cast<double>(source.pixels.size()) / 3) + 0.5);
  return away_from(source, factor, [mean](std::size_t) { return mean; });
}

// Means of 3 x 3 pixels in which the middle one counts five times, rounded; the border stays. Thirteenths
// never lie halfway between two whole numbers, so whole-number arithmetic gives what Pillow's float does.
Image smoothed(const Image& source) {
  Image out = source;
  for (int y = 1; y < source.height - 1; ++y) {
    for (int x = 1; x < source.width - 1; ++x) {
      for (int c = 0; c < 3; ++c) {
        int sum = 4 * source.at(y, x)[c];
        for (int line = y - 1; line <= y + 1; ++line) {
          for (int column = x - 1; column <= x + 1; ++column) sum += source.at(line, column)[c];
        }
        out.at(y, x)[c] = static_cast<std::uint8_t>((2 * sum + 13) / 26);
      }
    }
  }
  return out;
}

Affine matrix_of(const Image& source, AugmentKind kind, double value) {
  if (kind == AugmentKind::rotate) return rotation(source.height, source.width, value);
  if (kind == AugmentKind::shear_x) return {1, value, 0, 0, 1, 0};
  if (kind == AugmentKind::shear_y) return {1, 0, 0, value, 1, 0};
  if (kind == AugmentKind::translate_x) return {1, 0, value, 0, 1, 0};
  return {1, 0, 0, 0, 1, value};
}

}  // namespace

Image augment(const Image& source, AugmentKind kind, double value, const Warp& warp) {
  switch (kind) {
    case AugmentKind::identity:
      return source;
    case AugmentKind::auto_contrast:
      return by_histogram(source, stretched);
    case AugmentKind::equalize:
      return by_histogram(source, evened);
    case AugmentKind::invert:
      return by_value(source, [](int i) { return 255 - i; });
    case AugmentKind::posterize:
      return by_value(source, [lost = 8 - static_cast<int>(value)](int i) { return i >> lost << lost; });
    case AugmentKind::solarize:
      return by_value(source, [value](int i) { return i < value ? i : 255 - i; });
    case AugmentKind::solarize_add:
      return by_value(source, [add = static_cast<int>(value)](int i) { return i < 128 ? i + add : i; });
    case AugmentKind::brightness:
      return away_from(source, value, [](std::size_t) { return 0; });
    case AugmentKind::contrast:
      return with_contrast(source, value);
    case AugmentKind::color:
      return away_from(source, value, [&](std::size_t i) { return grey(&source.pixels[i - i % 3]); });
    case AugmentKind::sharpness:
      return away_from(source, value, [soft = smoothed(source)](std::size_t i) { return soft.pixels[i]; });
    default:
      return affine(source, matrix_of(source, kind, value), warp.sampling, warp.fill);
  }
}

}  // namespace salu
