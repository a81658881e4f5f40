// SPDX-License-Identifier: MIT
#include "data/augment_ops.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/pixel_loops.h"

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

// Without a table: the compiler works on 16 values at once.
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

// The border stays.
Image smoothed(const Image& source) {
  Image out = source;
  if (source.width < 3) return out;
  for (int y = 1; y < source.height - 1; ++y) {
    pixel_loops().smooth(out.at(y, 1), source.at(y, 1), std::ptrdiff_t{3} * source.width,
                         3 * (source.width - 2));
  }
  return out;
}

// `from` is what factor 0 gives.
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
