// SPDX-License-Identifier: MIT
/// The steps that augmentation policies are made of, each with Pillow's pixels.
#pragma once

#include "data/affine.h"

namespace salu {

/// What `value` means stands behind each.
enum class AugmentKind {
  identity,       ///< not used
  auto_contrast,  ///< not used; each channel is stretched to 0..255
  equalize,       ///< not used; each channel gets an even histogram
  invert,         ///< not used
  posterize,      ///< bits that are kept, 0..8
  solarize,       ///< values from here up are inverted
  solarize_add,   ///< added to values below 128, at most to 255
  brightness,     ///< 0 black, 1 unchanged, more: away from black
  contrast,       ///< 0 the mean grey, 1 unchanged
  color,          ///< 0 grey, 1 unchanged
  sharpness,      ///< 0 smoothed by a 3 x 3 filter, 1 unchanged, 2 sharper
  rotate,         ///< degrees counter-clockwise
  shear_x,        ///< columns to the left per line
  shear_y,        ///< lines up per column
  translate_x,    ///< pixels to the left
  translate_y,    ///< pixels up
};

/// How the last five sample the source, and what they put where there is none.
struct Warp {
  Sampling sampling = Sampling::nearest;
  Rgb fill{};
};

/// Bit for bit the result of Pillow's ImageOps.<kind>, ImageEnhance.<Kind>().enhance, Image.rotate or
/// Image.transform. A pure function.
Image augment(Image source, AugmentKind kind, double value, const Warp& warp = {});

}  // namespace salu
