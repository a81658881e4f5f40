// SPDX-License-Identifier: MIT
/// The JPEG decoder of this build: libjpeg-turbo where it was found, else stb_image. The two differ by a few
/// units in single pixels.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/image.h"

namespace salu::jpeg {

/// Name and version: "libjpeg-turbo 2.1.5" or "stb_image".
std::string decoder();

/// A JPEG, or its part `region`, as RGB: stb_image cannot decode parts and gives the whole picture. The
/// pixels of the region are the same either way. `whole` is the size in the header, and the region lies
/// inside. Returns "" or what the decoder found wrong; warnings count.
std::string decode(std::span<const std::uint8_t> bytes, const Region& region, const ImageSize& whole,
                   Image& image);

}  // namespace salu::jpeg
