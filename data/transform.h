// SPDX-License-Identifier: MIT
/// Picture -> picture of the network's size, for training (random) and for evaluation.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/rng.h"
#include "data/auto_augment.h"
#include "data/eval_crop.h"
#include "data/random_erase.h"

namespace salu {

inline constexpr int kSmallImage = 64;  ///< pixels; up to here pictures are padded and shifted, not zoomed

/// How training cuts a picture: resized to img_size and shifted over a border, or a random part resized.
enum class CropMode { padded, resized };

struct TransformOptions {
  int img_size = 32;
  double crop_pct = 1.0;  ///< evaluation: side of the centre crop / resized side
  EvalCrop eval_crop = EvalCrop::center;
  Interpolation interpolation = Interpolation::bicubic;  ///< of everything but random parts and warps

  // Training only, in the order in which they are applied.
  bool augment = true;                            ///< false: train_transform does what eval_transform does
  std::optional<CropMode> crop_mode;              ///< nothing: padded up to kSmallImage, else resized
  int crop_padding = 4;                           ///< padded: black border in pixels
  std::array<double, 2> scale{0.08, 1.0};         ///< resized: share of the area that is kept
  std::array<double, 2> ratio{3.0 / 4, 4.0 / 3};  ///< resized: width / height of the part
  /// Of random parts and warps; nothing: bilinear or bicubic at random.
  std::optional<Interpolation> train_interpolation;
  double hflip = 0.5;  ///< chance of a mirror image
  double vflip = 0;    ///< chance of standing on its head
  AutoAugment policy;  ///< random steps
  double color_jitter =
      0;           ///< brightness, contrast and colour by up to this share; not with a policy, as timm
  int cutout = 0;  ///< side of a square that is erased
  EraseOptions erase;
  PixelMoments moments;  ///< colours of what is empty or erased, in evaluation too
};

/// 1 up to kSmallImage, 0.875 above, as usual for CIFAR and ImageNet.
double default_crop_pct(int img_size);

/// A pure function of its arguments; (img_size, img_size) whatever the picture's size. Asks for the pixels of
/// the random part only, where one is cut out.
Image train_transform(Picture& picture, const TransformOptions& options, RandomKey key);
Image train_transform(const Image& image, const TransformOptions& options, RandomKey key);

/// As eval_crop() says, with floor(img_size / crop_pct) as the resized side and the mean as the border's
/// colour.
Image eval_transform(Picture& picture, const TransformOptions& options);
Image eval_transform(const Image& image, const TransformOptions& options);

/// What train_transform does, in one line for the log: "padded by 4, cropped to 32, mirrored 0.5".
std::string describe_training(const TransformOptions& options);

}  // namespace salu
