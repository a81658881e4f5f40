// SPDX-License-Identifier: MIT
/// JPEG, PNG, BMP and PNM files -> RGB images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/decode_options.h"

namespace salu {

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
