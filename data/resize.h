// SPDX-License-Identifier: MIT
/// Resizing, with Pillow's pixels.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/image.h"

namespace salu {

enum class Interpolation { bilinear, bicubic };

const char* name_of(Interpolation interpolation);
/// The interpolation of a name; nothing for an unknown one.
std::optional<Interpolation> interpolation_of(const std::string& name);

/// Filter taps of one output position: weights[i] for source position begin + i. They add up to 1.
struct FilterTaps {
  int begin = 0;
  std::vector<double> weights;
};
/// Output position i is centred at source position (i + 1/2) in/out.
std::vector<FilterTaps> filter_taps(int in, int out, Interpolation interpolation);

/// Separable, antialiased: when shrinking, the filter grows with the scale, so that every source pixel
/// counts. Matches Pillow's results exactly: values are rounded to 8 bits between the horizontal and the
/// vertical pass, weights to 22 bits. The bicubic filter has a = -0.5.
Image resize(const ImageView& source, int height, int width, Interpolation interpolation);

/// The bits of resize() to `size` followed by a crop to `part`. Requests only the source pixels that the part
/// needs.
Image resize_part(ImageSource& source, const ImageSize& size, const Region& part,
                  Interpolation interpolation);

/// The centre region. Half the difference is rounded to the nearest, ties to even.
Region center_region(const ImageSize& whole, int height, int width);

/// The size with `side` as its short side; the long side in proportion, truncated.
ImageSize short_side_size(const ImageSize& size, int side);
/// The size with `side` as its long side; the short side in proportion, rounded (ties to even), at least 1.
ImageSize long_side_size(const ImageSize& size, int side);
Image resize_short_side(const ImageView& source, int side, Interpolation interpolation);

}  // namespace salu
