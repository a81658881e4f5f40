// SPDX-License-Identifier: MIT
/// The steps of augmentation policies, each with Pillow's pixels.
#pragma once

#include <array>

#include "data/image.h"

namespace salu {

enum class Sampling { nearest, bilinear, bicubic };

/// Maps output to source: the pixel centred at (x, y) samples (m[0] x + m[1] y + m[2], m[3] x + m[4] y +
/// m[5]).
using Affine = std::array<double, 6>;

/// Affine warp to an image of the same size; `fill` where the position lies outside the source. Bit-identical
/// to Pillow's Image.transform(size, AFFINE, m, sampling, fillcolor=fill): nearest in fixed point with 16
/// binary digits, bilinear and bicubic in double, truncated to 8 bits.
Image affine(const Image& source, const Affine& m, Sampling sampling, Rgb fill);

/// Rotation counter-clockwise about the centre, as Pillow's Image.rotate(degrees).
Affine rotation(int height, int width, double degrees);

/// Augmentations; each comment gives the meaning of `value`.
enum class AugmentKind {
  identity,       ///< not used
  auto_contrast,  ///< not used; stretches each channel to 0..255
  equalize,       ///< not used; equalizes each channel's histogram
  invert,         ///< not used
  posterize,      ///< bits that are kept, 0..8
  solarize,       ///< threshold: values from here up are inverted
  solarize_add,   ///< added to values below 128, at most to 255
  brightness,     ///< 0 black, 1 unchanged, above 1 brighter
  contrast,       ///< 0 the mean grey, 1 unchanged
  color,          ///< 0 grey, 1 unchanged
  sharpness,      ///< 0 smoothed by a 3 x 3 filter, 1 unchanged, 2 sharper
  rotate,         ///< degrees counter-clockwise
  shear_x,        ///< columns to the left per line
  shear_y,        ///< lines up per column
  translate_x,    ///< pixels to the left
  translate_y,    ///< pixels up
};

/// Sampling of the last five kinds, and the colour outside the source.
struct Warp {
  Sampling sampling = Sampling::nearest;
  Rgb fill{};
};

/// Bit-identical to Pillow's ImageOps.<kind>, ImageEnhance.<Kind>().enhance, Image.rotate or Image.transform.
/// A pure function.
Image augment(Image source, AugmentKind kind, double value, const Warp& warp = {});

}  // namespace salu
