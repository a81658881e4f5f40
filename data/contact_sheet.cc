// SPDX-License-Identifier: MIT
#include "data/contact_sheet.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace salu {

Image contact_sheet(const std::vector<std::vector<Image>>& rows) {
  constexpr int kGap = 2, kSmallest = 64;
  check(!rows.empty() && !rows[0].empty(), "[contact_sheet] expected pictures, got none");
  const int height = rows[0][0].height, width = rows[0][0].width;
  const int zoom = std::max(1, kSmallest / std::max(height, width));
  const int row_step = height * zoom + kGap, column_step = width * zoom + kGap;
  Image sheet(static_cast<int>(rows.size()) * row_step + kGap,
              static_cast<int>(rows[0].size()) * column_step + kGap);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), std::uint8_t{255});
  for (std::size_t r = 0; r < rows.size(); ++r) {
    check(rows[r].size() == rows[0].size(), "[contact_sheet] expected {} pictures in row {}, got {}",
          rows[0].size(), r, rows[r].size());
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const Image& picture = rows[r][c];
      check(picture.height == height && picture.width == width,
            "[contact_sheet] expected pictures of {} x {}, got {} x {}", height, width, picture.height,
            picture.width);
      const int top = static_cast<int>(r) * row_step + kGap, left = static_cast<int>(c) * column_step + kGap;
      for (int y = 0; y < height * zoom; ++y) {
        for (int x = 0; x < width * zoom; ++x) {
          std::memcpy(sheet.at(top + y, left + x), picture.at(y / zoom, x / zoom), 3);
        }
      }
    }
  }
  return sheet;
}

}  // namespace salu
