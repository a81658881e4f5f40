// SPDX-License-Identifier: MIT
#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace salu {
namespace {

constexpr int kWeightBits = 22;  // 8 bits of pixel, 22 of weight, and 2 for overshoot fill an int32

double bilinear(double x) { return std::max(0.0, 1 - std::fabs(x)); }

// Keys, "Cubic convolution interpolation for digital image processing", 1981.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// What one output pixel takes from a line of the source: weights[first_weight + i] of pixel begin + i.
struct Taps {
  int begin = 0, count = 0;
  std::size_t first_weight = 0;
};

struct Filter {
  std::vector<Taps> taps;  // one per output pixel
  std::vector<std::int32_t> weights;
};

Filter make_filter(int in, int out, Interpolation interpolation) {
  Filter filter;
  filter.taps.reserve(static_cast<std::size_t>(out));
  for (const FilterTaps& t : filter_taps(in, out, interpolation)) {
    filter.taps.push_back({t.begin, static_cast<int>(t.weights.size()), filter.weights.size()});
    for (const double w : t.weights) {
      const double scaled = w * (1 << kWeightBits);
      filter.weights.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  return filter;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

Image resize_horizontal(const Image& source, int width, Interpolation interpolation) {
  const Filter filter = make_filter(source.width, width, interpolation);
  Image out(source.height, width);
  for (int y = 0; y < source.height; ++y) {
    std::uint8_t* to = out.at(y, 0);
    for (const Taps& taps : filter.taps) {
      const std::uint8_t* from = source.at(y, taps.begin);
      const std::int32_t* weights = filter.weights.data() + taps.first_weight;
      std::int32_t r = kHalf, g = kHalf, b = kHalf;
      for (int k = 0; k < taps.count; ++k, from += 3) {
        r += from[0] * weights[k];
        g += from[1] * weights[k];
        b += from[2] * weights[k];
      }
      *to++ = to_byte(r);
      *to++ = to_byte(g);
      *to++ = to_byte(b);
    }
  }
  return out;
}

Image resize_vertical(const Image& source, int height, Interpolation interpolation) {
  const Filter filter = make_filter(source.height, height, interpolation);
  Image out(height, source.width);
  std::vector<std::int32_t> line(static_cast<std::size_t>(source.width) * 3);
  for (int y = 0; y < height; ++y) {
    const Taps& taps = filter.taps[static_cast<std::size_t>(y)];
    std::fill(line.begin(), line.end(), kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const std::int32_t weight = filter.weights[taps.first_weight + static_cast<std::size_t>(k)];
      const std::uint8_t* from = source.at(taps.begin + k, 0);
      for (std::size_t i = 0; i < line.size(); ++i) line[i] += from[i] * weight;
    }
    std::transform(line.begin(), line.end(), out.at(y, 0), to_byte);
  }
  return out;
}

}  // namespace

const char* name_of(Interpolation interpolation) {
  return interpolation == Interpolation::bilinear ? "bilinear" : "bicubic";
}

std::optional<Interpolation> interpolation_of(const std::string& name) {
  if (name == "bilinear") return Interpolation::bilinear;
  if (name == "bicubic") return Interpolation::bicubic;
  return std::nullopt;
}

// The filter, stretched by the scale when shrinking, at the centres of the source positions, cut at the
// border and divided by its sum.
std::vector<FilterTaps> filter_taps(int in, int out, Interpolation interpolation) {
  const auto value = interpolation == Interpolation::bilinear ? bilinear : bicubic;
  const double scale = static_cast<double>(in) / out;
  const double stretch = std::max(scale, 1.0);
  const double support = (interpolation == Interpolation::bilinear ? 1 : 2) * stretch;
  std::vector<FilterTaps> taps(static_cast<std::size_t>(out));
  for (int i = 0; i < out; ++i) {
    FilterTaps& t = taps[static_cast<std::size_t>(i)];
    const double center = (i + 0.5) * scale;
    t.begin = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min(in, static_cast<int>(center + support + 0.5));
    double sum = 0;
    for (int k = t.begin; k < end; ++k) {
      t.weights.push_back(value((k - center + 0.5) * (1 / stretch)));
      sum += t.weights.back();
    }
    for (double& w : t.weights) w /= sum;
  }
  return taps;
}

Image resize(const Image& source, int height, int width, Interpolation interpolation) {
  check(source.height > 0 && source.width > 0 && height > 0 && width > 0,
        "[resize] expected sizes above zero, got {} x {} to {} x {}", source.height, source.width, height,
        width);
  if (height == source.height && width == source.width) return source;
  if (height == source.height) return resize_horizontal(source, width, interpolation);
  if (width == source.width) return resize_vertical(source, height, interpolation);
  return resize_vertical(resize_horizontal(source, width, interpolation), height, interpolation);
}

Image crop(const Image& source, int top, int left, int height, int width) {
  Image out(height, width);
  const int begin = std::max(0, -left), end = std::min(width, source.width - left);
  for (int y = std::max(0, -top); y < std::min(height, source.height - top) && begin < end; ++y) {
    std::memcpy(out.at(y, begin), source.at(y + top, left + begin),
                static_cast<std::size_t>(end - begin) * 3);
  }
  return out;
}

Image center_crop(const Image& source, int height, int width) {
  const auto half = [](int n) { return static_cast<int>(std::nearbyint(n / 2.0)); };
  return crop(source, half(source.height - height), half(source.width - width), height, width);
}

Image resize_short_side(const Image& source, int side, Interpolation interpolation) {
  check(source.height > 0 && source.width > 0, "[resize] expected a picture, got {} x {}", source.height,
        source.width);
  const auto longer = [&](int length, int shorter) {
    return static_cast<int>(static_cast<std::int64_t>(side) * length / shorter);
  };
  if (source.height < source.width) {
    return resize(source, side, longer(source.width, source.height), interpolation);
  }
  return resize(source, longer(source.height, source.width), side, interpolation);
}

Image mirrored(const Image& source) {
  Image out(source.height, source.width);
  for (int y = 0; y < source.height; ++y) {
    for (int x = 0; x < source.width; ++x) {
      std::memcpy(out.at(y, x), source.at(y, source.width - 1 - x), 3);
    }
  }
  return out;
}

Image flipped(const Image& source) {
  Image out(source.height, source.width);
  for (int y = 0; y < source.height; ++y) {
    std::memcpy(out.at(y, 0), source.at(source.height - 1 - y, 0),
                static_cast<std::size_t>(source.width) * 3);
  }
  return out;
}

}  // namespace salu
