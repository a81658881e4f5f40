// SPDX-License-Identifier: MIT
/// Images: decoded pixels, and sources that give the pixels of one image on demand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace salu {

using Rgb = std::array<std::uint8_t, 3>;

struct ImageSize {
  int height = 0, width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// A part of an image, in pixels.
struct Region {
  int top = 0, left = 0, height = 0, width = 0;

  static Region all_of(const ImageSize& size) { return {0, 0, size.height, size.width}; }
  friend bool operator==(const Region&, const Region&) = default;
};

/// A decoded image.
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

/// A view of an image or a part of one. Lines are `stride` bytes apart. It does not own the pixels.
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
  /// A view of `region`, which must lie inside.
  ImageView part(const Region& region) const {
    ImageView out = *this;
    out.height = region.height;
    out.width = region.width;
    out.pixels = at(region.top, region.left);
    return out;
  }
};

/// One image whose size is known before its pixels. A random crop is drawn from the size alone, so only that
/// part is decoded.
class ImageSource {
 public:
  ImageSource() = default;
  virtual ~ImageSource() = default;
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;

  virtual ImageSize size() const = 0;
  /// The pixels of a region, which must not be empty and must lie inside. The view is valid until the next
  /// call. Throws ErrorCode::data when the image is damaged, in the region or elsewhere.
  virtual ImageView part(const Region& region) = 0;

  ImageView whole() { return part(Region::all_of(size())); }
};

/// An ImageSource over pixels that another object owns.
class ViewedImage : public ImageSource {
 public:
  explicit ViewedImage(const ImageView& view) : view_(view) {}
  ImageSize size() const override { return view_.size(); }
  ImageView part(const Region& region) override { return view_.part(region); }

 private:
  ImageView view_;
};

/// An ImageSource that owns its pixels, alone or shared.
class DecodedImage : public ImageSource {
 public:
  explicit DecodedImage(std::shared_ptr<const Image> image) : image_(std::move(image)) {}
  ImageSize size() const override { return image_->size(); }
  ImageView part(const Region& region) override { return ImageView(*image_).part(region); }

 private:
  std::shared_ptr<const Image> image_;
};

inline std::unique_ptr<ImageSource> decoded_image(Image image) {
  return std::make_unique<DecodedImage>(std::make_shared<const Image>(std::move(image)));
}

Image to_image(const ImageView& source);  ///< a copy of the pixels

/// The part with the given upper left corner; black outside the source.
Image crop(const ImageView& source, int top, int left, int height, int width);

Image mirrored(const Image& source);  ///< mirrored left to right
Image flipped(const Image& source);   ///< mirrored top to bottom

/// One image that shows many in a grid. All have the size of the first, and all rows the same length. White
/// lines of 2 pixels surround each; images below 64 pixels are enlarged by an integer factor.
Image contact_sheet(const std::vector<std::vector<Image>>& rows);

}  // namespace salu
