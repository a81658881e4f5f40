// SPDX-License-Identifier: MIT
/// JPEG, PNG, BMP and PNM files -> RGB images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

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

/// Decodes a file. The content determines its format, not the name. Grey, palette, alpha, 16-bit and CMYK
/// become 8-bit RGB; alpha is dropped. Throws ErrorCode::data starting with `name` when anything is wrong
/// with the file. Bytes after the end of the image are ignored.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   const DecodeOptions& options = {});

/// The headers of a file. Throws as decode_image() does, but damage behind them is not seen.
ImageHead image_head(std::span<const std::uint8_t> bytes, const std::string& name,
                     const DecodeOptions& options = {});

/// The bits of decode_image() followed by a crop. Little more of a JPEG is decoded than the region. Damage
/// outside the region is found too: the rest of the file is read, but not turned into pixels. The region must
/// not be empty and must lie in the image.
Image decode_region(std::span<const std::uint8_t> bytes, const std::string& name, const Region& region,
                    const DecodeOptions& options = {});

/// An image in a file. Decodes parts on demand, as decode_region() does. The constructor throws as
/// image_head() does.
class EncodedImage : public ImageSource {
 public:
  EncodedImage(std::vector<std::uint8_t> bytes, std::string name, const DecodeOptions& options = {});
  ImageSize size() const override;
  ImageView part(const Region& region) override;

 private:
  std::vector<std::uint8_t> bytes_;
  std::string name_;
  DecodeOptions options_;
  ImageHead head_;
  Image part_;
};

/// Name and version: "libjpeg-turbo 2.1.5".
std::string jpeg_decoder();

Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

}  // namespace salu
