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

/// Decodes a file. Its kind is told by the content, not by the name. Grey, palette, alpha, 16-bit and CMYK
/// become 8-bit RGB; alpha is dropped. Throws ErrorCode::data with `name` in front when anything is wrong
/// with the file.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   const DecodeLimits& limits = {});

/// The size that decode_image() would give, from the file's headers. Throws as decode_image() does, but for
/// the errors of the decoder.
ImageSize image_size(std::span<const std::uint8_t> bytes, const std::string& name,
                     const DecodeLimits& limits = {});

/// The bits of decode_image() followed by a crop; libjpeg-turbo decodes little more of a JPEG than the
/// region. Damage is found wherever it is: the rest of the file is read, though not turned into pixels. The
/// region must not be empty and must lie in the image.
Image decode_region(std::span<const std::uint8_t> bytes, const std::string& name, const Region& region,
                    const DecodeLimits& limits = {});

/// The image in a file whose container has been checked. Parts are decoded on demand, as by decode_region().
/// The constructor throws as image_size() does.
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
