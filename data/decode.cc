// SPDX-License-Identifier: MIT
#include "data/decode.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "data/codecs.h"
#include "data/exif.h"
#include "data/files.h"

namespace salu {

ImageSize ImageFile::size(std::int64_t height, std::int64_t width) const {
  if (width < 1 || height < 1) refuse("image is {} x {}; expected at least 1 x 1", width, height);
  if (width > kMaxImageSide || height > kMaxImageSide) {
    refuse("image is {} x {}; limit {} per side", width, height, kMaxImageSide);
  }
  if (width * height > options.max_pixels) {
    refuse("image is {} x {}, {} pixels; limit {} (--max-image-pixels)", width, height, width * height,
           options.max_pixels);
  }
  return {static_cast<int>(height), static_cast<int>(width)};
}

namespace {

struct Codec {
  ImageHead (*head)(const ImageFile&);
  Image (*decode)(const ImageFile&, const Region&);
};

const Codec& codec_of(const ImageFile& file) {
  static constexpr Codec kJpeg{jpeg_head, decode_jpeg}, kPng{png_head, decode_png},
      kBmp{bmp_head, decode_bmp}, kPnm{pnm_head, decode_pnm};
  const auto max_bytes = std::min<std::int64_t>(file.options.max_bytes, std::numeric_limits<int>::max());
  if (static_cast<std::int64_t>(file.bytes.size()) > max_bytes) {
    file.refuse("{} bytes; limit {}", file.bytes.size(), max_bytes);
  }
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  if (text.starts_with("\xFF\xD8\xFF")) return kJpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return kPng;
  if (text.starts_with("BM")) return kBmp;
  if (text.size() > 1 && text[0] == 'P' && text[1] >= '1' && text[1] <= '7') return kPnm;
  if (text.empty()) file.refuse("is empty; expected a JPEG, PNG, BMP or PNM");
  if (const std::string_view kind = kind_of_file(text); !kind.empty()) {
    file.refuse("is {}; expected a JPEG, PNG, BMP or PNM", kind);
  }
  constexpr std::size_t kShown = 6;
  file.refuse("is not a JPEG, PNG, BMP or PNM (starts '{}')", text.substr(0, kShown));
}

// Decodes `region` of a file, as it is after turning.
Image decode_part(const ImageFile& file, const ImageHead& head, const Region& region) {
  const int orientation = file.options.exif == ExifOrientation::apply ? head.orientation : 1;
  const Region stored = stored_region(region, head.size, orientation);
  Image image = codec_of(file).decode(file, stored);
  if (image.size() != ImageSize{stored.height, stored.width}) {
    image = crop(image, stored.top, stored.left, stored.height, stored.width);
  }
  return orientation == 1 ? image : turned(image, orientation);
}

ImageSize shown_size(const ImageHead& head, const DecodeOptions& options) {
  return options.exif == ExifOrientation::apply ? turned_size(head.size, head.orientation) : head.size;
}

}  // namespace

Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   const DecodeOptions& options) {
  const ImageHead head = image_head(bytes, name, options);
  return decode_part({bytes, name, options}, head, Region::all_of(shown_size(head, options)));
}

ImageHead image_head(std::span<const std::uint8_t> bytes, const std::string& name,
                     const DecodeOptions& options) {
  const ImageFile file{bytes, name, options};
  return codec_of(file).head(file);
}

Image decode_region(std::span<const std::uint8_t> bytes, const std::string& name, const Region& region,
                    const DecodeOptions& options) {
  const ImageHead head = image_head(bytes, name, options);
  const ImageSize size = shown_size(head, options);
  const auto inside = [](int begin, int count, int side) {
    return begin >= 0 && count > 0 && std::int64_t{begin} + count <= side;
  };
  check(inside(region.top, region.height, size.height) && inside(region.left, region.width, size.width),
        "[decode_region] expected a part of {} x {}, got {} x {} at ({}, {})", size.height, size.width,
        region.height, region.width, region.top, region.left);
  return decode_part({bytes, name, options}, head, region);
}

EncodedImage::EncodedImage(std::vector<std::uint8_t> bytes, std::string name, const DecodeOptions& options)
    : bytes_(std::move(bytes)),
      name_(std::move(name)),
      options_(options),
      head_(image_head(bytes_, name_, options_)) {}

ImageSize EncodedImage::size() const { return shown_size(head_, options_); }

ImageView EncodedImage::part(const Region& region) {
  part_ = decode_part({bytes_, name_, options_}, head_, region);
  return part_;
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_regular_file(path, options.max_bytes), path.string(), options);
}

}  // namespace salu
