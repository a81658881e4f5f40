// SPDX-License-Identifier: MIT
/// Transforms an image of any size to the network's size: at random for training, deterministically for
/// evaluation. The steps (crops, erasing) come first, the whole transforms at the end.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/rng.h"
#include "data/auto_augment.h"
#include "data/image.h"
#include "data/resize.h"

namespace salu {

/// How an image is resized before its centre is cropped for evaluation; timm's names.
enum class EvalCrop {
  center,  ///< by the short side: the network sees the centre, undistorted
  squash,  ///< by both sides: the network sees the whole image, distorted
  border,  ///< by the long side: the network sees the whole image, undistorted, with a border
};

const char* name_of(EvalCrop mode);
/// The crop mode of a name; nothing for an unknown one.
std::optional<EvalCrop> eval_crop_of(const std::string& name);

/// Resizes to `resized` >= `side` as `mode` says, then crops the central (side, side). Requests only the
/// source pixels that the crop needs. A resized image smaller than the crop gets a border of colour `fill`;
/// when its number of lines or columns is odd, the border has one more at the bottom or on the right.
Image eval_crop(ImageSource& source, EvalCrop mode, int resized, int side, Interpolation interpolation,
                const Rgb& fill);

/// The image, moved by up to `padding` pixels in each direction; black where it has moved away.
Image shifted(const Image& image, int padding, Rng& rng);

/// A random region: its share of the area lies in `scale`, its width / height in `ratio` (log-uniform), as in
/// Szegedy et al., "Going deeper with convolutions", 2014. After ten draws that do not fit, the largest
/// central region with an allowed ratio.
Region random_part(const ImageSize& size, std::array<double, 2> scale, std::array<double, 2> ratio, Rng& rng);

/// Content of an erased rectangle: the mean colour, one random colour, or a random colour for each pixel.
enum class EraseMode { constant, color, pixel };

struct EraseOptions {
  double chance = 0;  ///< probability that an image is erased
  EraseMode mode = EraseMode::pixel;
  int count = 1;  ///< most rectangles; each covers 2 % to 33 % of the image, divided by their number
};

/// Mean and standard deviation of each channel, in 0..1.
struct PixelMoments {
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f}, std{0.25f, 0.25f, 0.25f};

  Rgb mean_color() const;  ///< in 0..255, rounded and clamped
};

/// Random erasing (Zhong et al., arXiv 1708.04896) with timm's sizes. timm draws normally distributed colours
/// after normalization; these have the same mean and deviation, clamped to 0..255.
void random_erase(Image& image, const EraseOptions& options, const PixelMoments& moments, Rng& rng);

/// Cutout (DeVries and Taylor, arXiv 1708.04552): erases a square of `side` pixels around a random pixel,
/// clipped to the image.
void cutout(Image& image, int side, Rgb color, Rng& rng);

/// Pixels; training pads and shifts images up to this size, and crops larger ones at random.
inline constexpr int kSmallImage = 64;

/// How training crops. padded: resized to img_size, then shifted over a border. resized: a random region,
/// resized.
enum class CropMode { padded, resized };

struct TransformOptions {
  int img_size = 32;
  double crop_pct = 1.0;  ///< evaluation: side of the centre crop / resized side
  EvalCrop eval_crop = EvalCrop::center;
  Interpolation interpolation = Interpolation::bicubic;  ///< everywhere except in random regions and warps

  // Training only, in the order in which they are applied.
  bool augment = true;  ///< false: the short side is resized to img_size, and the centre is cut out
  std::optional<CropMode> crop_mode;              ///< nothing: padded up to kSmallImage, resized above
  int crop_padding = 4;                           ///< padded: black border in pixels
  std::array<double, 2> scale{0.08, 1.0};         ///< resized: share of the area
  std::array<double, 2> ratio{3.0 / 4, 4.0 / 3};  ///< resized: width / height of the part
  /// Interpolation of random regions and warps; nothing: bilinear or bicubic at random.
  std::optional<Interpolation> train_interpolation;
  double hflip = 0.5;  ///< probability of a left-right mirror image
  double vflip = 0;    ///< probability of an upside-down image
  AutoAugment policy;  ///< random steps
  /// Brightness, contrast and colour change by up to this share. Ignored with a policy, as in timm.
  double color_jitter = 0;
  int cutout = 0;  ///< side of the square that is erased
  EraseOptions erase;
  PixelMoments moments;  ///< colours of empty or erased parts; used in evaluation, too
};

/// 1 up to kSmallImage, 0.875 above, as usual for CIFAR and ImageNet.
double default_crop_pct(int img_size);

/// A pure function of its arguments. The result has (img_size, img_size) pixels, whatever the size of the
/// source. A random region requests only its own pixels.
Image train_transform(ImageSource& source, const TransformOptions& options, RandomKey key);
Image train_transform(const Image& image, const TransformOptions& options, RandomKey key);

/// eval_crop() with floor(img_size / crop_pct) as the resized side and the mean as the border's colour.
Image eval_transform(ImageSource& source, const TransformOptions& options);
Image eval_transform(const Image& image, const TransformOptions& options);

/// The steps of train_transform in one line for the log: "padded by 4, cropped to 32, mirrored 0.5".
std::string describe_training(const TransformOptions& options);

}  // namespace salu
