// SPDX-License-Identifier: MIT
#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/choices.h"
#include "core/error.h"
#include "data/pixel_loops.h"

namespace salu {
namespace {

double bilinear(double x) { return std::max(0.0, 1 - std::fabs(x)); }

// Keys, "Cubic convolution interpolation for digital image processing", 1981.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The filter at the centres of the source positions, stretched by the scale when shrinking, cut at the border
// and normalized to sum 1. Returns the first position.
int weigh(int position, int in, int out, Interpolation interpolation, std::vector<double>& weights) {
  const auto value = interpolation == Interpolation::bilinear ? bilinear : bicubic;
  const double scale = static_cast<double>(in) / out;
  const double stretch = std::max(scale, 1.0);
  const double support = (interpolation == Interpolation::bilinear ? 1 : 2) * stretch;
  const double center = (position + 0.5) * scale;
  const int begin = std::max(0, static_cast<int>(center - support + 0.5));
  const int end = std::min(in, static_cast<int>(center + support + 0.5));
  weights.clear();
  double sum = 0;
  for (int k = begin; k < end; ++k) {
    weights.push_back(value((k - center + 0.5) * (1 / stretch)));
    sum += weights.back();
  }
  for (double& w : weights) w /= sum;
  return begin;
}

/// Weights of the output positions first .. first + count - 1.
struct Filter {
  std::vector<PixelTaps> taps;
  std::vector<std::int32_t> weights;

  Filter(int in, int out, int first, int count, Interpolation interpolation) {
    taps.reserve(static_cast<std::size_t>(count));
    std::vector<double> exact;
    for (int i = first; i < first + count; ++i) {
      const int begin = weigh(i, in, out, interpolation, exact);
      taps.push_back({begin, static_cast<int>(exact.size()), static_cast<int>(weights.size())});
      for (const double w : exact) {
        const double scaled = w * (1 << kWeightBits);
        weights.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
      }
    }
  }

  int begin() const { return taps.front().begin; }
  int end() const { return taps.back().begin + taps.back().count; }
  void shift(int by) {
    for (PixelTaps& t : taps) t.begin += by;
  }
};

Image resize_across(const ImageView& source, const Filter& filter) {
  Image out(source.height, static_cast<int>(filter.taps.size()));
  std::vector<std::uint8_t> lanes(static_cast<std::size_t>(4 * PixelLoops::kLines * source.width));
  for (int y = 0; y < source.height; y += PixelLoops::kLines) {
    pixel_loops().across(out.at(y, 0), std::ptrdiff_t{3} * out.width, out.width, source.at(y, 0),
                         source.stride, source.width, std::min(PixelLoops::kLines, source.height - y),
                         filter.taps.data(), filter.weights.data(), lanes.data());
  }
  return out;
}

Image resize_down(const ImageView& source, const Filter& filter) {
  Image out(static_cast<int>(filter.taps.size()), source.width);
  std::vector<std::int32_t> sums(static_cast<std::size_t>(source.width) * 3);
  for (int y = 0; y < out.height; ++y) {
    const PixelTaps& taps = filter.taps[static_cast<std::size_t>(y)];
    pixel_loops().down(out.at(y, 0), source.width * 3, source.at(taps.begin, 0), source.stride, taps.count,
                       filter.weights.data() + taps.first_weight, sums.data());
  }
  return out;
}

constexpr std::pair<const char*, Interpolation> kInterpolations[] = {{"bilinear", Interpolation::bilinear},
                                                                     {"bicubic", Interpolation::bicubic}};

}  // namespace

const char* name_of(Interpolation interpolation) { return choice_name(kInterpolations, interpolation); }

std::optional<Interpolation> interpolation_of(const std::string& name) {
  return find_choice(kInterpolations, name);
}

std::vector<FilterTaps> filter_taps(int in, int out, Interpolation interpolation) {
  std::vector<FilterTaps> taps(static_cast<std::size_t>(out));
  for (int i = 0; i < out; ++i) {
    FilterTaps& t = taps[static_cast<std::size_t>(i)];
    t.begin = weigh(i, in, out, interpolation, t.weights);
  }
  return taps;
}

Image resize_part(ImageSource& source, const ImageSize& size, const Region& part,
                  Interpolation interpolation) {
  const ImageSize from = source.size();
  check(from.height > 0 && from.width > 0 && size.height > 0 && size.width > 0,
        "[resize] expected sizes above zero, got {} x {} to {} x {}", from.height, from.width, size.height,
        size.width);
  if (size == from) return to_image(source.part(part));
  Filter columns(from.width, size.width, part.left, part.width, interpolation);
  Filter lines(from.height, size.height, part.top, part.height, interpolation);
  const Region read = {lines.begin(), columns.begin(), lines.end() - lines.begin(),
                       columns.end() - columns.begin()};
  columns.shift(-read.left);
  lines.shift(-read.top);
  return resize_down(resize_across(source.part(read), columns), lines);
}

Image resize(const ImageView& source, int height, int width, Interpolation interpolation) {
  ViewedImage image(source);
  return resize_part(image, {height, width}, {0, 0, height, width}, interpolation);
}

Region center_region(const ImageSize& whole, int height, int width) {
  const auto half = [](int n) { return static_cast<int>(std::nearbyint(n / 2.0)); };
  return {half(whole.height - height), half(whole.width - width), height, width};
}

ImageSize short_side_size(const ImageSize& size, int side) {
  check(size.height > 0 && size.width > 0, "[resize] expected an image, got {} x {}", size.height,
        size.width);
  const auto longer = [&](int length, int shorter) {
    return static_cast<int>(static_cast<std::int64_t>(side) * length / shorter);
  };
  if (size.height < size.width) return {side, longer(size.width, size.height)};
  return {longer(size.height, size.width), side};
}

Image resize_short_side(const ImageView& source, int side, Interpolation interpolation) {
  const ImageSize size = short_side_size(source.size(), side);
  return resize(source, size.height, size.width, interpolation);
}

ImageSize long_side_size(const ImageSize& size, int side) {
  const double ratio = static_cast<double>(std::max(size.height, size.width)) / side;
  const auto length = [&](int n) { return std::max(1, static_cast<int>(std::nearbyint(n / ratio))); };
  return {length(size.height), length(size.width)};
}

}  // namespace salu
