// SPDX-License-Identifier: MIT
/// JPEG, PNG, BMP and PNM files -> RGB images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/image_check.h"

namespace salu {

/// Decodes a file. The content determines its format, not the name. Grey, palette, alpha, 16-bit and CMYK
/// become 8-bit RGB; alpha is dropped. Throws ErrorCode::data starting with `name` when anything is wrong
/// with the file.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   const DecodeLimits& limits = {});

/// Size of decode_image()'s result, from the file's headers. Throws as decode_image() does, except for the
/// decoder's own errors.
ImageSize image_size(std::span<const std::uint8_t> bytes, const std::string& name,
                     const DecodeLimits& limits = {});

/// The bits of decode_image() followed by a crop. libjpeg-turbo decodes little more of a JPEG than the
/// region. Damage outside the region is found too: the rest of the file is read, but not turned into pixels.
/// The region must not be empty and must lie in the image.
Image decode_region(std::span<const std::uint8_t> bytes, const std::string& name, const Region& region,
                    const DecodeLimits& limits = {});

/// An image in a file whose container has been checked. Decodes parts on demand, as decode_region() does. The
/// constructor throws as image_size() does.
class EncodedImage : public ImageSource {
 public:
  EncodedImage(std::vector<std::uint8_t> bytes, std::string name, const DecodeLimits& limits = {});
  ImageSize size() const override { return info_.size(); }
  ImageView part(const Region& region) override;

 private:
  std::vector<std::uint8_t> bytes_;
  std::string name_;
  ImageInfo info_;
  Image part_;
};

/// The JPEG decoder of this build: "libjpeg-turbo 2.1.5" or "stb_image".
std::string jpeg_decoder();

Image read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

}  // namespace salu
