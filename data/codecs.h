// SPDX-License-Identifier: MIT
/// The decoders of image files: libjpeg-turbo, libpng, and our own for BMP and PNM.
///
/// The files are untrusted. A decoder allocates pixels only for sizes that passed ImageFile::size(), and
/// holds every index against its table. All errors are ErrorCode::data and begin with the name of the file:
/// "truncated at byte N", "damaged: …", or "unsupported JPEG kind (…)" for sound files that are not read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/decode_options.h"

namespace salu {

/// A file in memory.
struct ImageFile {
  std::span<const std::uint8_t> bytes;
  const std::string& name;  ///< for messages
  const DecodeOptions& options;

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::data, "{}: {}", name, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void truncated() const { refuse("truncated at byte {}", bytes.size()); }
  /// The size of an image within the limits.
  ImageSize size(std::int64_t height, std::int64_t width) const;
};

/// NAME_head() reads the headers of a file, decode_NAME() its pixels: the part `region`, or the whole image
/// where the decoder cannot decode parts.
ImageHead jpeg_head(const ImageFile& file);
Image decode_jpeg(const ImageFile& file, const Region& region);
ImageHead png_head(const ImageFile& file);
Image decode_png(const ImageFile& file, const Region& region);
ImageHead bmp_head(const ImageFile& file);
Image decode_bmp(const ImageFile& file, const Region& region);
ImageHead pnm_head(const ImageFile& file);
Image decode_pnm(const ImageFile& file, const Region& region);

/// An image as a PNG file.
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace salu
