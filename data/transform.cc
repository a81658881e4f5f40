// SPDX-License-Identifier: MIT
#include "data/transform.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace salu {
namespace {

struct Box {
  int top = 0, left = 0, height = 0, width = 0;
};

// An even draw from 0 .. n.
int offset(Rng& rng, int n) { return static_cast<int>(rng.below(static_cast<std::uint32_t>(n) + 1)); }

// Random area and log-random ratio (Szegedy et al., "Going deeper with convolutions", 2014). Ten tries, then
// the largest central part with an allowed ratio.
Box random_part(int height, int width, const TransformOptions& options, Rng& rng) {
  constexpr int kTries = 10;
  const double area = static_cast<double>(height) * width;
  for (int i = 0; i < kTries; ++i) {
    const double target = area * rng.uniform(options.scale[0], options.scale[1]);
    const double ratio = std::exp(rng.uniform(std::log(options.ratio[0]), std::log(options.ratio[1])));
    const int w = static_cast<int>(std::lround(std::sqrt(target * ratio)));
    const int h = static_cast<int>(std::lround(std::sqrt(target / ratio)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const int top = offset(rng, height - h);
    return {top, offset(rng, width - w), h, w};
  }
  const double ratio = std::clamp(static_cast<double>(width) / height, options.ratio[0], options.ratio[1]);
  const int w = std::clamp(static_cast<int>(std::lround(height * ratio)), 1, width);
  const int h = std::clamp(static_cast<int>(std::lround(width / ratio)), 1, height);
  return {(height - h) / 2, (width - w) / 2, h, w};
}

Image shifted(const Image& image, const TransformOptions& options, Rng& rng) {
  const int top = offset(rng, 2 * options.crop_padding) - options.crop_padding;
  const int left = offset(rng, 2 * options.crop_padding) - options.crop_padding;
  return crop(image, top, left, image.height, image.width);
}

}  // namespace

double default_crop_pct(int img_size) { return img_size <= kSmallImage ? 1.0 : 0.875; }

Image train_transform(const Image& image, const TransformOptions& options, RandomKey key) {
  if (!options.augment) return eval_transform(image, options);
  Rng rng(key);
  Image out;
  if (options.img_size <= kSmallImage) {
    TransformOptions whole = options;
    whole.crop_pct = 1;
    out = shifted(eval_transform(image, whole), options, rng);
  } else {
    const Box part = random_part(image.height, image.width, options, rng);
    out = resize(crop(image, part.top, part.left, part.height, part.width), options.img_size,
                 options.img_size, options.interpolation);
  }
  return rng.chance(options.hflip) ? mirrored(out) : out;
}

Image eval_transform(const Image& image, const TransformOptions& options) {
  check(options.img_size > 0 && options.crop_pct > 0 && options.crop_pct <= 1,
        "[transform] expected img_size > 0 and crop_pct in (0, 1], got {} and {}", options.img_size,
        options.crop_pct);
  const int side = static_cast<int>(std::floor(options.img_size / options.crop_pct));
  return center_crop(resize_short_side(image, side, options.interpolation), options.img_size,
                     options.img_size);
}

}  // namespace salu
