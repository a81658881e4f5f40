// SPDX-License-Identifier: MIT
#include "data/transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/choices.h"
#include "core/error.h"
#include "data/resize.h"

namespace salu {
namespace {

constexpr std::pair<const char*, EvalCrop> kEvalCrops[] = {
    {"center", EvalCrop::center}, {"squash", EvalCrop::squash}, {"border", EvalCrop::border}};

ImageSize resized_size(const ImageSize& size, EvalCrop mode, int side) {
  if (mode == EvalCrop::squash) return {side, side};
  return mode == EvalCrop::border ? long_side_size(size, side) : short_side_size(size, side);
}

/// Centres `part` in a square.
Image padded_to_square(const Image& part, int side, const Rgb& fill) {
  Image out(side, side);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = fill[i % 3];
  const int top = (side - part.height) / 2, left = (side - part.width) / 2;
  for (int y = 0; y < part.height; ++y) {
    std::memcpy(out.at(top + y, left), part.at(y, 0), static_cast<std::size_t>(part.width) * 3);
  }
  return out;
}

// Uniform over 0 .. n.
int offset(Rng& rng, int n) { return static_cast<int>(rng.below(static_cast<std::uint32_t>(n) + 1)); }

Rgb random_color(const PixelMoments& moments, Rng& rng) {
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c) {
    const double value = 255 * (moments.mean[c] + moments.std[c] * rng.normal());
    out[c] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0, 255.0));
  }
  return out;
}

// Calls make_color() for each pixel, line by line.
template <class MakeColor>
void fill(Image& image, const Region& r, const MakeColor& make_color) {
  for (int y = r.top; y < r.top + r.height; ++y) {
    for (int x = r.left; x < r.left + r.width; ++x) {
      const Rgb color = make_color();
      std::memcpy(image.at(y, x), color.data(), 3);
    }
  }
}

// A rectangle of random area and log-uniform aspect ratio that is smaller than the image in both directions;
// empty after ten misses.
Region random_rectangle(const Image& image, int count, Rng& rng) {
  constexpr int kTries = 10;
  constexpr double kLeast = 0.02, kMost = 1.0 / 3, kFlattest = 0.3;
  for (int i = 0; i < kTries; ++i) {
    const double area = rng.uniform(kLeast, kMost) * image.height * image.width / count;
    const double shape = std::exp(rng.uniform(std::log(kFlattest), -std::log(kFlattest)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area * shape)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area / shape)));
    if (height >= image.height || width >= image.width) continue;
    const int top = offset(rng, image.height - height);
    return {top, offset(rng, image.width - width), height, width};
  }
  return {};
}

CropMode crop_mode_of(const TransformOptions& options) {
  return options.crop_mode.value_or(options.img_size <= kSmallImage ? CropMode::padded : CropMode::resized);
}

Image center_crop(ImageSource& source, EvalCrop mode, int resized, const TransformOptions& options) {
  return eval_crop(source, mode, resized, options.img_size, options.interpolation,
                   options.moments.mean_color());
}

Image random_crop(ImageSource& source, const TransformOptions& options, Rng& rng) {
  if (crop_mode_of(options) == CropMode::padded) {
    return shifted(center_crop(source, EvalCrop::center, options.img_size, options), options.crop_padding,
                   rng);
  }
  const Region part = random_part(source.size(), options.scale, options.ratio, rng);
  const Interpolation drawn = rng.chance(0.5) ? Interpolation::bicubic : Interpolation::bilinear;
  return resize(source.part(part), options.img_size, options.img_size,
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

/// As timm's transforms_noaug_train(): the short side becomes that of the network.
TransformOptions unaugmented(TransformOptions options) {
  options.crop_pct = 1;
  options.eval_crop = EvalCrop::center;
  options.interpolation = options.train_interpolation.value_or(Interpolation::bilinear);
  return options;
}

}  // namespace

const char* name_of(EvalCrop mode) { return choice_name(kEvalCrops, mode); }
std::optional<EvalCrop> eval_crop_of(const std::string& name) { return find_choice(kEvalCrops, name); }

Image eval_crop(ImageSource& source, EvalCrop mode, int resized, int side, Interpolation interpolation,
                const Rgb& fill) {
  const ImageSize size = resized_size(source.size(), mode, resized);
  const int height = std::min(side, size.height), width = std::min(side, size.width);
  Image part = resize_part(source, size, center_region(size, height, width), interpolation);
  return part.size() == ImageSize{side, side} ? part : padded_to_square(part, side, fill);
}

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
    const Region r = random_rectangle(image, count, rng);
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

double default_crop_pct(int img_size) { return img_size <= kSmallImage ? 1.0 : 0.875; }

Image train_transform(ImageSource& source, const TransformOptions& options, RandomKey key) {
  if (!options.augment) return eval_transform(source, unaugmented(options));
  Rng rng(key);
  const Rgb mean = options.moments.mean_color();
  Image out = random_crop(source, options, rng);
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
  ViewedImage source(image);
  return train_transform(source, options, key);
}

Image eval_transform(ImageSource& source, const TransformOptions& options) {
  check(options.img_size > 0 && options.crop_pct > 0 && options.crop_pct <= 1,
        "[transform] expected img_size > 0 and crop_pct in (0, 1], got {} and {}", options.img_size,
        options.crop_pct);
  return center_crop(source, options.eval_crop,
                     static_cast<int>(std::floor(options.img_size / options.crop_pct)), options);
}

Image eval_transform(const Image& image, const TransformOptions& options) {
  ViewedImage source(image);
  return eval_transform(source, options);
}

std::string describe_training(const TransformOptions& options) {
  if (!options.augment) {
    return fmt::format("short side {}, centre ({})", options.img_size,
                       name_of(options.train_interpolation.value_or(Interpolation::bilinear)));
  }
  std::string out =
      crop_mode_of(options) == CropMode::padded
          ? fmt::format("padded by {}, cropped to {}", options.crop_padding, options.img_size)
          : fmt::format("part of {:g}..{:g} of the area, ratio {:g}..{:g}, resized to {} ({})",
                        options.scale[0], options.scale[1], options.ratio[0], options.ratio[1],
                        options.img_size,
                        options.train_interpolation ? name_of(*options.train_interpolation) : "random");
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
