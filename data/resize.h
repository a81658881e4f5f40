// SPDX-License-Identifier: MIT
/// Scaling and cutting of pictures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/picture.h"

namespace salu {

enum class Interpolation { bilinear, bicubic };

const char* name_of(Interpolation interpolation);
/// The reverse; nothing for other names.
std::optional<Interpolation> interpolation_of(const std::string& name);

/// What one output position takes from a line of the source: weights[i] of position begin + i; they add up
/// to 1.
struct FilterTaps {
  int begin = 0;
  std::vector<double> weights;
};
/// Output position i lies over source position (i + 1/2) in/out.
std::vector<FilterTaps> filter_taps(int in, int out, Interpolation interpolation);

/// Separable, antialiased: when shrinking, the filter grows with the scale, so that every source pixel
/// counts. Values are rounded to 8 bits between the horizontal and the vertical pass, weights to 22 bits, as
/// Pillow does, whose results are matched exactly. The bicubic filter has a = -0.5.
Image resize(const ImageView& source, int height, int width, Interpolation interpolation);

/// The part of the picture resized to `size`, to the bit; only the pixels that it takes are asked for.
Image resize_part(Picture& source, const ImageSize& size, const Region& part, Interpolation interpolation);

Image copied(const ImageView& source);

/// The part with the given upper left corner; black where it lies outside.
Image crop(const ImageView& source, int top, int left, int height, int width);

/// Rounds half the difference to the nearest, ties to even.
Region center_region(const ImageSize& whole, int height, int width);

/// Short side to `side`, long side to the truncated proportional length.
ImageSize short_side_size(const ImageSize& size, int side);
Image resize_short_side(const ImageView& source, int side, Interpolation interpolation);

Image mirrored(const Image& source);  ///< left to right
Image flipped(const Image& source);   ///< top to bottom

}  // namespace salu
