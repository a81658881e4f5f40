// SPDX-License-Identifier: MIT
/// What is read of image files, and how.
#pragma once

#include <cstdint>

#include "data/image.h"

namespace salu {

/// Pixels on a side: the limit of JPEG, and products of sides and samples stay within an int.
inline constexpr std::int64_t kMaxImageSide = 65535;

/// Whether an image is turned as its EXIF data say.
enum class ExifOrientation { ignore, apply };

/// What is read of an image file, and how.
struct DecodeOptions {
  std::int64_t max_pixels = 178'956'970;  ///< Pillow's limit too
  std::int64_t max_bytes = 256 << 20;     ///< of the file
  ExifOrientation exif = ExifOrientation::ignore;
};

/// What a file says about its image before the pixels.
struct ImageHead {
  ImageSize size;       ///< as stored
  int orientation = 1;  ///< of the EXIF data, 1..8
};

}  // namespace salu
