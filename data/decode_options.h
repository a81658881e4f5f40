// SPDX-License-Identifier: MIT
/// Options and results of reading image files.
#pragma once

#include <cstdint>

#include "data/image.h"

namespace salu {

/// Pixels on a side: the limit of JPEG, and products of sides and samples stay within an int.
inline constexpr std::int64_t kMaxImageSide = 65535;

/// Whether an image is turned as its EXIF data say.
enum class ExifOrientation { ignore, apply };

/// Limits and orientation for the decoding of a file.
struct DecodeOptions {
  std::int64_t max_pixels = 178'956'970;  ///< Pillow's limit too
  std::int64_t max_bytes = 256 << 20;     ///< of the file
  ExifOrientation exif = ExifOrientation::ignore;
};

/// The fields of a file's header that describe its image.
struct ImageHead {
  ImageSize size;       ///< as stored
  int orientation = 1;  ///< of the EXIF data, 1..8
};

}  // namespace salu
