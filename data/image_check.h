// SPDX-License-Identifier: MIT
/// Finds damaged and hostile image files before a decoder sees them.
///
/// Decoders differ in what they let pass: some fill a cut image with grey, most skip PNG's checksums, and a
/// small file can ask for gigabytes. This check walks the container from end to end and compares its sizes
/// with the limits. It allocates nothing that a file claims, but for a PNG's exact inflated size within the
/// limits.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/image.h"

namespace salu {

struct DecodeLimits {
  std::int64_t max_side = 16384;       ///< pixels
  std::int64_t max_pixels = 64 << 20;  ///< 64 Mi
  std::int64_t max_bytes = 256 << 20;  ///< of the file
  int max_scans = 100;                 ///< of a progressive JPEG: each scan costs a pass over the image
};

enum class ImageKind { jpeg, png, bmp, pnm };

struct ImageInfo {
  ImageKind kind = ImageKind::jpeg;
  std::int64_t height = 0, width = 0;
  std::int64_t pixel_offset = 0;  ///< PNM: of the first value
  int channels = 3;               ///< PNM: 1 or 3
  int max_value = 255;            ///< PNM: the value of white, 1 .. 65535

  ImageSize size() const { return {static_cast<int>(height), static_cast<int>(width)}; }
};

/// Throws ErrorCode::data starting with `name`: unknown kind, truncated, damaged, unsupported or too large.
/// Ignores bytes after the end of the image.
ImageInfo check_image(std::span<const std::uint8_t> bytes, const std::string& name,
                      const DecodeLimits& limits);

}  // namespace salu
