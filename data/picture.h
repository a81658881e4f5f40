// SPDX-License-Identifier: MIT
/// A picture of a data set whose size is known before its pixels are.
#pragma once

#include <memory>
#include <utility>

#include "data/image.h"

namespace salu {

/// A random part is drawn from the size alone, so that no more than the part needs to be decoded.
class Picture {
 public:
  Picture() = default;
  virtual ~Picture() = default;
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;

  virtual ImageSize size() const = 0;
  /// The region must not be empty and must lie inside. The pixels belong to the picture and stay until the
  /// next call. Throws ErrorCode::data when the picture is damaged, in the region or elsewhere.
  virtual ImageView part(const Region& region) = 0;

  ImageView whole() { return part(Region::all_of(size())); }
};

/// Pixels that somebody else keeps.
class ViewedPicture : public Picture {
 public:
  explicit ViewedPicture(const ImageView& view) : view_(view) {}
  ImageSize size() const override { return view_.size(); }
  ImageView part(const Region& region) override { return view_.part(region); }

 private:
  ImageView view_;
};

/// Pixels that it holds, alone or with others.
class DecodedPicture : public Picture {
 public:
  explicit DecodedPicture(std::shared_ptr<const Image> image) : image_(std::move(image)) {}
  ImageSize size() const override { return image_->size(); }
  ImageView part(const Region& region) override { return ImageView(*image_).part(region); }

 private:
  std::shared_ptr<const Image> image_;
};

inline std::unique_ptr<Picture> decoded_picture(Image image) {
  return std::make_unique<DecodedPicture>(std::make_shared<const Image>(std::move(image)));
}

}  // namespace salu
