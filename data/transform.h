// SPDX-License-Identifier: MIT
/// Picture -> picture of the network's size, for training (random) and for evaluation.
#pragma once

#include <array>

#include "core/rng.h"
#include "data/image.h"
#include "data/resize.h"

namespace salu {

inline constexpr int kSmallImage = 64;  ///< pixels; up to here pictures are padded and shifted, not zoomed

struct TransformOptions {
  int img_size = 32;
  bool augment = true;   ///< false: train_transform does what eval_transform does
  double hflip = 0.5;    ///< chance of a mirror image
  int crop_padding = 4;  ///< black border for the shift, in pixels; for img_size <= kSmallImage
  std::array<double, 2> scale{0.08, 1.0};         ///< share of the area that is kept; above kSmallImage
  std::array<double, 2> ratio{3.0 / 4, 4.0 / 3};  ///< width / height of the part
  double crop_pct = 1.0;                          ///< side of the centre crop / resized short side
  Interpolation interpolation = Interpolation::bicubic;
};

/// 1 up to kSmallImage, 0.875 above, as usual for CIFAR and ImageNet.
double default_crop_pct(int img_size);

/// Small pictures: resized and cropped to img_size if they are not, then a border, a random crop and a flip.
/// Larger ones: a random part of random shape, resized, and a flip. A pure function of its arguments.
Image train_transform(const Image& image, const TransformOptions& options, RandomKey key);

/// Short side to floor(img_size / crop_pct), then the centre.
Image eval_transform(const Image& image, const TransformOptions& options);

}  // namespace salu
