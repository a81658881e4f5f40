// SPDX-License-Identifier: MIT
/// The steps of augmentation policies, each with Pillow's pixels.
#pragma once

#include <array>

#include "data/image.h"

namespace salu {

enum class Sampling { nearest, bilinear, bicubic };

/// The pixel whose middle is (x, y) takes the source at (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
using Affine = std::array<double, 6>;

/// An image of the same size, with `fill` where the position lies outside the source. Bit for bit the result
/// of Pillow's Image.transform(size, AFFINE, m, sampling, fillcolor=fill): nearest neighbours in fixed point
/// with 16 binary digits, the others in double, cut (not rounded) to 8 bits.
Image affine(const Image& source, const Affine& m, Sampling sampling, Rgb fill);

/// Turns counter-clockwise about the centre, as Pillow's Image.rotate(degrees) does.
Affine rotation(int height, int width, double degrees);

/// The comment at each kind gives the meaning of `value`.
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

/// How the last five kinds sample the source, and the colour where there is none.
struct Warp {
  Sampling sampling = Sampling::nearest;
  Rgb fill{};
};

/// Bit for bit the result of Pillow's ImageOps.<kind>, ImageEnhance.<Kind>().enhance, Image.rotate or
/// Image.transform. A pure function.
Image augment(Image source, AugmentKind kind, double value, const Warp& warp = {});

}  // namespace salu
