// SPDX-License-Identifier: MIT
#include "data/random_crop.h"

#include <algorithm>
#include <cmath>

#include "data/resize.h"

namespace salu {
namespace {

// An even draw from 0 .. n.
int offset(Rng& rng, int n) { return static_cast<int>(rng.below(static_cast<std::uint32_t>(n) + 1)); }

}  // namespace

Image shifted(const Image& image, int padding, Rng& rng) {
  const int top = offset(rng, 2 * padding) - padding;
  const int left = offset(rng, 2 * padding) - padding;
  return crop(image, top, left, image.height, image.width);
}

Region random_part(const ImageSize& size, std::array<double, 2> scale, std::array<double, 2> ratio,
                   Rng& rng) {
  constexpr int kTries = 10;
  const double area = static_cast<double>(size.height) * size.width;
  for (int i = 0; i < kTries; ++i) {
    const double target = area * rng.uniform(scale[0], scale[1]);
    const double shape = std::exp(rng.uniform(std::log(ratio[0]), std::log(ratio[1])));
    const int w = static_cast<int>(std::lround(std::sqrt(target * shape)));
    const int h = static_cast<int>(std::lround(std::sqrt(target / shape)));
    if (w < 1 || h < 1 || w > size.width || h > size.height) continue;
    const int top = offset(rng, size.height - h);
    return {top, offset(rng, size.width - w), h, w};
  }
  const double shape = std::clamp(static_cast<double>(size.width) / size.height, ratio[0], ratio[1]);
  const int w = std::clamp(static_cast<int>(std::lround(size.height * shape)), 1, size.width);
  const int h = std::clamp(static_cast<int>(std::lround(size.width / shape)), 1, size.height);
  return {(size.height - h) / 2, (size.width - w) / 2, h, w};
}

}  // namespace salu
