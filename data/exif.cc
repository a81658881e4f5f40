// SPDX-License-Identifier: MIT
#include "data/exif.h"

#include <cstring>

namespace salu {
namespace {

/// Orientations 2..8 are these, in this order: swap lines and columns of the turned image, then reverse them.
struct Turn {
  bool swap, reverse_lines, reverse_columns;
};

Turn turn_of(int orientation) {
  const bool swap = orientation >= 5;
  const bool lines = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  return {swap, lines, columns};
}

}  // namespace

int exif_orientation(std::span<const std::uint8_t> tiff) {
  constexpr std::uint32_t kOrientation = 0x112, kShort = 3;
  const bool little = !tiff.empty() && tiff[0] == 'I';
  const auto number = [&](std::uint64_t at, std::uint64_t count) {  // 0 beyond the end
    std::uint32_t value = 0;
    if (at + count > tiff.size()) return value;
    for (std::uint64_t i = 0; i < count; ++i) value = value << 8 | tiff[little ? at + count - 1 - i : at + i];
    return value;
  };
  const bool named = tiff.size() > 1 && tiff[0] == tiff[1] && (little || tiff[0] == 'M');
  if (!named || number(2, 2) != 42) return 1;
  const std::uint64_t directory = number(4, 4), entries = number(directory, 2);
  for (std::uint64_t at = directory + 2; at < directory + 2 + 12 * entries; at += 12) {
    if (number(at, 2) != kOrientation) continue;
    const std::uint32_t value = number(at + 8, number(at + 2, 2) == kShort ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

ImageSize turned_size(const ImageSize& stored, int orientation) {
  return turn_of(orientation).swap ? ImageSize{stored.width, stored.height} : stored;
}

Region stored_region(const Region& region, const ImageSize& stored, int orientation) {
  const Turn turn = turn_of(orientation);
  Region out = turn.swap ? Region{region.left, region.top, region.width, region.height} : region;
  if (turn.reverse_lines) out.top = stored.height - out.top - out.height;
  if (turn.reverse_columns) out.left = stored.width - out.left - out.width;
  return out;
}

Image turned(const Image& stored, int orientation) {
  const Turn turn = turn_of(orientation);
  const ImageSize size = turned_size(stored.size(), orientation);
  Image out(size.height, size.width);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const int line = turn.swap ? x : y, column = turn.swap ? y : x;
      std::memcpy(out.at(y, x),
                  stored.at(turn.reverse_lines ? stored.height - 1 - line : line,
                            turn.reverse_columns ? stored.width - 1 - column : column),
                  3);
    }
  }
  return out;
}

}  // namespace salu
