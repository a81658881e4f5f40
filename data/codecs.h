// SPDX-License-Identifier: MIT
/// The libraries that decode and encode images: stb, and for JPEG libjpeg-turbo where it was found.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"

/// The JPEG decoder of this build (jpeg_turbo.cc or jpeg_stb.cc). Their results differ by a few units in
/// single pixels.
namespace salu::jpeg {

/// Name and version: "libjpeg-turbo 2.1.5" or "stb_image".
std::string decoder();

/// Decodes the part `region` of a JPEG to RGB. stb_image cannot decode parts and gives the whole image; the
/// pixels of the region are the same either way. `whole` is the size in the header and contains the region.
/// Returns "", or the decoder's error or warning.
std::string decode(std::span<const std::uint8_t> bytes, const Region& region, const ImageSize& whole,
                   Image& image);

}  // namespace salu::jpeg

namespace salu::stb {

/// Decodes a JPEG, PNG or BMP to RGB. Returns "", or the decoder's error.
std::string decode(std::span<const std::uint8_t> bytes, Image& image);

/// Inflates a zlib stream. Returns the bytes written, out.size() + 1 when `out` is too small, or -1 when the
/// stream is damaged.
std::int64_t inflate(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

/// Encodes an image as PNG.
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace salu::stb
