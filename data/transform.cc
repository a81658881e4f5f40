// SPDX-License-Identifier: MIT
#include "data/transform.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/random_crop.h"

namespace salu {
namespace {

CropMode crop_mode_of(const TransformOptions& options) {
  return options.crop_mode.value_or(options.img_size <= kSmallImage ? CropMode::padded : CropMode::resized);
}

Image fitted(Picture& picture, EvalCrop mode, int resized, const TransformOptions& options) {
  return eval_crop(picture, mode, resized, options.img_size, options.interpolation,
                   options.moments.mean_color());
}

Image random_crop(Picture& picture, const TransformOptions& options, Rng& rng) {
  if (crop_mode_of(options) == CropMode::padded) {
    return shifted(fitted(picture, EvalCrop::center, options.img_size, options), options.crop_padding, rng);
  }
  const Region part = random_part(picture.size(), options.scale, options.ratio, rng);
  const Interpolation drawn = rng.chance(0.5) ? Interpolation::bicubic : Interpolation::bilinear;
  return resize(picture.part(part), options.img_size, options.img_size,
                options.train_interpolation.value_or(drawn));
}

// Three factors, applied in random order.
Image jittered(Image image, double strength, Rng& rng) {
  std::array<AugmentKind, 3> kinds{AugmentKind::brightness, AugmentKind::contrast, AugmentKind::color};
  for (std::uint32_t i = 3; i > 1; --i) std::swap(kinds[i - 1], kinds[rng.below(i)]);
  for (const AugmentKind kind : kinds) {
    image = augment(std::move(image), kind, rng.uniform(std::max(0.0, 1 - strength), 1 + strength));
  }
  return image;
}

}  // namespace

double default_crop_pct(int img_size) { return img_size <= kSmallImage ? 1.0 : 0.875; }

Image train_transform(Picture& picture, const TransformOptions& options, RandomKey key) {
  if (!options.augment) return eval_transform(picture, options);
  Rng rng(key);
  const Rgb mean = options.moments.mean_color();
  Image out = random_crop(picture, options, rng);
  if (rng.chance(options.hflip)) out = mirrored(out);
  if (rng.chance(options.vflip)) out = flipped(out);
  if (!options.policy.empty()) {
    const auto steps = options.policy.draw(out.height, out.width, options.train_interpolation, mean, rng);
    out = augment(std::move(out), steps);
  } else if (options.color_jitter > 0) {
    out = jittered(std::move(out), options.color_jitter, rng);
  }
  if (options.cutout > 0) cutout(out, options.cutout, mean, rng);
  random_erase(out, options.erase, options.moments, rng);
  return out;
}

Image train_transform(const Image& image, const TransformOptions& options, RandomKey key) {
  ViewedPicture picture(image);
  return train_transform(picture, options, key);
}

Image eval_transform(Picture& picture, const TransformOptions& options) {
  check(options.img_size > 0 && options.crop_pct > 0 && options.crop_pct <= 1,
        "[transform] expected img_size > 0 and crop_pct in (0, 1], got {} and {}", options.img_size,
        options.crop_pct);
  return fitted(picture, options.eval_crop, static_cast<int>(std::floor(options.img_size / options.crop_pct)),
                options);
}

Image eval_transform(const Image& image, const TransformOptions& options) {
  ViewedPicture picture(image);
  return eval_transform(picture, options);
}

std::string describe_training(const TransformOptions& options) {
  if (!options.augment) return fmt::format("centre {} of crop_pct {}", options.img_size, options.crop_pct);
  std::string out = crop_mode_of(options) == CropMode::padded
                        ? fmt::format("padded by {}, cropped to {}", options.crop_padding, options.img_size)
                        : fmt::format("part of {:g}..{:g} of the area, ratio {:g}..{:g}, resized to {} ({})",
                                      options.scale[0], options.scale[1], options.ratio[0], options.ratio[1],
                                      options.img_size,
                                      !options.train_interpolation                              ? "random"
                                      : *options.train_interpolation == Interpolation::bilinear ? "bilinear"
                                                                                                : "bicubic");
  const auto add = [&](bool used, const std::string& text) {
    if (used) out += ", " + text;
  };
  const bool jitter = options.color_jitter > 0;
  add(options.hflip > 0, fmt::format("mirrored {:g}", options.hflip));
  add(options.vflip > 0, fmt::format("upside down {:g}", options.vflip));
  add(!options.policy.empty(), "policy " + options.policy.name());
  add(jitter && options.policy.empty(), fmt::format("colour jitter {:g}", options.color_jitter));
  add(jitter && !options.policy.empty(), "no colour jitter beside a policy");
  add(options.cutout > 0, fmt::format("cutout {}", options.cutout));
  add(options.erase.chance > 0,
      fmt::format("erasing {:g}, up to {}", options.erase.chance, options.erase.count));
  return out;
}

}  // namespace salu
