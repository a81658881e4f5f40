// SPDX-License-Identifier: MIT
#include "data/codecs.h"

namespace salu::jpeg {

std::string decoder() { return "stb_image"; }

std::string decode(std::span<const std::uint8_t> bytes, const Region&, const ImageSize&, Image& image) {
  return stb::decode(bytes, image);
}

}  // namespace salu::jpeg
