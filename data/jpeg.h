// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace salu {

/// Decodes with libjpeg-turbo, to the bits that Pillow and torchvision see. False when the build has no such
/// library, and when it is not entirely happy with the file (a warning, CMYK): stb_image then has the word.
bool decode_jpeg(std::span<const std::uint8_t> bytes, Image& image);

}  // namespace salu
