// SPDX-License-Identifier: MIT
#include "data/image.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace salu {

Image to_image(const ImageView& source) { return crop(source, 0, 0, source.height, source.width); }

Image crop(const ImageView& source, int top, int left, int height, int width) {
  Image out(height, width);
  const int begin = std::max(0, -left), end = std::min(width, source.width - left);
  for (int y = std::max(0, -top); y < std::min(height, source.height - top) && begin < end; ++y) {
    std::memcpy(out.at(y, begin), source.at(y + top, left + begin),
                static_cast<std::size_t>(end - begin) * 3);
  }
  return out;
}

Image mirrored(const Image& source) {
  Image out(source.height, source.width);
  std::uint8_t* to = out.pixels.data();
  for (int y = 0; y < source.height; ++y) {
    const std::uint8_t* from = source.at(y, source.width);
    for (int x = 0; x < source.width; ++x, to += 3) std::memcpy(to, from -= 3, 3);
  }
  return out;
}

Image flipped(const Image& source) {
  Image out(source.height, source.width);
  for (int y = 0; y < source.height; ++y) {
    std::memcpy(out.at(y, 0), source.at(source.height - 1 - y, 0),
                static_cast<std::size_t>(source.width) * 3);
  }
  return out;
}

Image contact_sheet(const std::vector<std::vector<Image>>& rows) {
  constexpr int kGap = 2, kSmallest = 64;
  check(!rows.empty() && !rows[0].empty(), "[contact_sheet] expected images, got none");
  const int height = rows[0][0].height, width = rows[0][0].width;
  const int zoom = std::max(1, kSmallest / std::max(height, width));
  const int row_step = height * zoom + kGap, column_step = width * zoom + kGap;
  Image sheet(static_cast<int>(rows.size()) * row_step + kGap,
              static_cast<int>(rows[0].size()) * column_step + kGap);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), std::uint8_t{255});
  for (std::size_t r = 0; r < rows.size(); ++r) {
    check(rows[r].size() == rows[0].size(), "[contact_sheet] expected {} images in row {}, got {}",
          rows[0].size(), r, rows[r].size());
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const Image& image = rows[r][c];
      check(image.height == height && image.width == width,
            "[contact_sheet] expected images of {} x {}, got {} x {}", height, width, image.height,
            image.width);
      const int top = static_cast<int>(r) * row_step + kGap, left = static_cast<int>(c) * column_step + kGap;
      for (int y = 0; y < height * zoom; ++y) {
        for (int x = 0; x < width * zoom; ++x) {
          std::memcpy(sheet.at(top + y, left + x), image.at(y / zoom, x / zoom), 3);
        }
      }
    }
  }
  return sheet;
}

}  // namespace salu
