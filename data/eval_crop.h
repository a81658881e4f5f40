// SPDX-License-Identifier: MIT
/// The part of a picture that evaluation looks at.
#pragma once

#include <optional>
#include <string>

#include "data/resize.h"

namespace salu {

/// What is resized to the side that the middle is cut out of; timm's names.
enum class EvalCrop {
  center,  ///< the short side: the network sees the middle, undistorted
  squash,  ///< both sides: it sees all of the picture, distorted
  border,  ///< the long side: all of it, undistorted, with a border
};

const char* name_of(EvalCrop mode);
/// The reverse; nothing for other names.
std::optional<EvalCrop> eval_crop_of(const std::string& name);

/// Long side to `side`, the other in proportion, rounded to the nearest (ties to even), at least 1.
ImageSize long_side_size(const ImageSize& size, int side);

/// Resizes to `resized` >= `side` as `mode` says and cuts out the (side, side) in the middle; only the pixels
/// under it are asked for. A picture that is too short for it gets a border of colour `fill`: of an odd
/// number of lines or columns, one more at the bottom or on the right.
Image eval_crop(Picture& picture, EvalCrop mode, int resized, int side, Interpolation interpolation,
                const Rgb& fill);

}  // namespace salu
