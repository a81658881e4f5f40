// SPDX-License-Identifier: MIT
/// An image that a line of numpy makes as well, and a hash, so that results can be held against Pillow's:
///
///   def image(h, w): return np.array([[[(x*37 + y*91 + c*53 + x*y*7) % 256 for c in range(3)]
///                                        for x in range(w)] for y in range(h)], np.uint8)
#pragma once

#include "data/image.h"

namespace salu::test {

inline Image image(int height, int width) {
  Image image(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.at(y, x)[c] = static_cast<std::uint8_t>((x * 37 + y * 91 + c * 53 + x * y * 7) % 256);
      }
    }
  }
  return image;
}

/// 64-bit FNV-1a of the bytes.
inline std::uint64_t fnv(const Image& image) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t b : image.pixels) hash = (hash ^ b) * 0x100000001b3u;
  return hash;
}

}  // namespace salu::test
