// SPDX-License-Identifier: MIT
/// A decoded picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace salu {

using Rgb = std::array<std::uint8_t, 3>;

struct ImageSize {
  int height = 0, width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// A part of a picture, in pixels.
struct Region {
  int top = 0, left = 0, height = 0, width = 0;

  static Region all_of(const ImageSize& size) { return {0, 0, size.height, size.width}; }
  friend bool operator==(const Region&, const Region&) = default;
};

struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  ///< (H,W,3), RGB, row-major

  Image() = default;
  Image(int h, int w)
      : height(h), width(w), pixels(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3) {}

  ImageSize size() const { return {height, width}; }
  std::uint8_t* at(int y, int x) { return pixels.data() + offset(y, x); }
  const std::uint8_t* at(int y, int x) const { return pixels.data() + offset(y, x); }

  friend bool operator==(const Image&, const Image&) = default;

 private:
  std::size_t offset(int y, int x) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
  }
};

/// Pixels that belong to somebody else: a picture, or a part of one, whose lines are `stride` bytes apart.
struct ImageView {
  int height = 0, width = 0;
  const std::uint8_t* pixels = nullptr;
  std::ptrdiff_t stride = 0;

  ImageView() = default;
  ImageView(const Image& image) : ImageView(image.size(), image.pixels.data()) {}
  /// Lines without gaps.
  ImageView(const ImageSize& size, const std::uint8_t* first)
      : height(size.height), width(size.width), pixels(first), stride(std::ptrdiff_t{3} * size.width) {}

  ImageSize size() const { return {height, width}; }
  const std::uint8_t* at(int y, int x) const { return pixels + y * stride + std::ptrdiff_t{3} * x; }
  /// The region must lie inside.
  ImageView part(const Region& region) const {
    ImageView out = *this;
    out.height = region.height;
    out.width = region.width;
    out.pixels = at(region.top, region.left);
    return out;
  }
};

}  // namespace salu
