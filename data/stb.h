// SPDX-License-Identifier: MIT
/// The parts of stb_image and stb_image_write that are used, behind three functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"

namespace salu::stb {

/// JPEG, PNG or BMP to RGB. Returns "" or what the decoder found wrong.
std::string decode(std::span<const std::uint8_t> bytes, Image& image);

/// Inflates a zlib stream. Returns the bytes written, out.size() + 1 when there are more than fit, or -1 when
/// the stream is damaged.
std::int64_t inflate(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

/// A PNG file.
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace salu::stb
