// SPDX-License-Identifier: MIT
#include "data/random_erase.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace salu {
namespace {

struct Rectangle {
  int top, left, height, width;
};

Rgb random_color(const PixelMoments& moments, Rng& rng) {
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c) {
    const double value = 255 * (moments.mean[c] + moments.std[c] * rng.normal());
    out[c] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0, 255.0));
  }
  return out;
}

// make_color() is called for each pixel, in order of lines.
template <class MakeColor>
void fill(Image& image, const Rectangle& r, const MakeColor& make_color) {
  for (int y = r.top; y < r.top + r.height; ++y) {
    for (int x = r.left; x < r.left + r.width; ++x) {
      const Rgb color = make_color();
      std::memcpy(image.at(y, x), color.data(), 3);
    }
  }
}

// A rectangle of random area and log-random shape that is smaller than the picture both ways; after ten
// misses, an empty one.
Rectangle random_rectangle(const Image& image, int count, Rng& rng) {
  constexpr int kTries = 10;
  constexpr double kLeast = 0.02, kMost = 1.0 / 3, kFlattest = 0.3;
  for (int i = 0; i < kTries; ++i) {
    const double area = rng.uniform(kLeast, kMost) * image.height * image.width / count;
    const double shape = std::exp(rng.uniform(std::log(kFlattest), -std::log(kFlattest)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area * shape)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area / shape)));
    if (height >= image.height || width >= image.width) continue;
    const auto place = [&](int room) {
      return static_cast<int>(rng.below(static_cast<std::uint32_t>(room) + 1));
    };
    const int top = place(image.height - height);
    return {top, place(image.width - width), height, width};
  }
  return {};
}

}  // namespace

Rgb PixelMoments::mean_color() const {
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c)
    out[c] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(255 * mean[c]), 0.0f, 255.0f));
  return out;
}

void random_erase(Image& image, const EraseOptions& options, const PixelMoments& moments, Rng& rng) {
  if (!rng.chance(options.chance)) return;
  const int count = 1 + static_cast<int>(rng.below(static_cast<std::uint32_t>(options.count)));
  for (int i = 0; i < count; ++i) {
    const Rectangle r = random_rectangle(image, count, rng);
    if (options.mode == EraseMode::pixel) {
      fill(image, r, [&] { return random_color(moments, rng); });
    } else {
      const Rgb color = options.mode == EraseMode::color ? random_color(moments, rng) : moments.mean_color();
      fill(image, r, [&] { return color; });
    }
  }
}

void cutout(Image& image, int side, Rgb color, Rng& rng) {
  const int y = static_cast<int>(rng.below(static_cast<std::uint32_t>(image.height)));
  const int x = static_cast<int>(rng.below(static_cast<std::uint32_t>(image.width)));
  const int top = std::max(0, y - side / 2), bottom = std::min(image.height, y - side / 2 + side);
  const int left = std::max(0, x - side / 2), right = std::min(image.width, x - side / 2 + side);
  fill(image, {top, left, bottom - top, right - left}, [&] { return color; });
}

}  // namespace salu
