// SPDX-License-Identifier: MIT
/// Built where libjpeg-turbo is not installed.
#include "data/jpeg.h"

namespace salu {

bool decode_jpeg(std::span<const std::uint8_t>, Image&) { return false; }

}  // namespace salu
