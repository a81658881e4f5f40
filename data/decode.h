// SPDX-License-Identifier: MIT
/// JPEG, PNG, BMP and PNM files -> RGB pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/image_check.h"
#include "data/picture.h"

namespace salu {

/// The kind is told by the content, not by the name. Grey, palette, alpha, 16-bit and CMYK become 8-bit RGB;
/// alpha is dropped. Throws ErrorCode::data with `name` in front when anything is wrong with the file.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   const DecodeLimits& limits = {});

/// The size that decode_image would give, from the file's headers; the same errors, but for those of the
/// decoder.
ImageSize image_size(std::span<const std::uint8_t> bytes, const std::string& name,
                     const DecodeLimits& limits = {});

/// decode_image followed by a crop, to the bit; libjpeg-turbo decodes little more of a JPEG than the region.
/// Damage is found wherever it is: the data of the rest are read, though not turned into pixels. The region
/// must not be empty and must lie in the picture.
Image decode_region(std::span<const std::uint8_t> bytes, const std::string& name, const Region& region,
                    const DecodeLimits& limits = {});

/// A file whose container has been checked; its parts are decoded when asked for, as by decode_region. Throws
/// as image_size does.
class EncodedPicture : public Picture {
 public:
  EncodedPicture(std::vector<std::uint8_t> bytes, std::string name, const DecodeLimits& limits = {});
  ImageSize size() const override { return info_.size(); }
  ImageView part(const Region& region) override;

 private:
  std::vector<std::uint8_t> bytes_;
  std::string name_;
  ImageInfo info_;
  Image part_;
};

/// What decodes JPEG in this build: "libjpeg-turbo 2.1.5" or "stb_image".
std::string jpeg_decoder();

/// The bytes of a regular file; anything else (a folder, a FIFO, a device) is refused without waiting for it.
std::vector<std::uint8_t> read_regular_file(const std::filesystem::path& path, std::int64_t max_bytes);

Image read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

}  // namespace salu
