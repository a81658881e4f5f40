// SPDX-License-Identifier: MIT
#include "data/decode.h"

#include <algorithm>

#include "core/error.h"
#include "data/codecs.h"
#include "data/files.h"

namespace salu {
namespace {

// Needed because stb_image keeps PNM's two-byte values in the file's byte order and ignores its white value.
Image decode_pnm(std::span<const std::uint8_t> bytes, const ImageInfo& info) {
  Image image(static_cast<int>(info.height), static_cast<int>(info.width));
  const std::uint8_t* in = bytes.data() + info.pixel_offset;
  const auto next_value = [&] {
    int v = *in++;
    if (info.max_value > 255) v = v << 8 | *in++;
    const std::int64_t clipped = std::min(v, info.max_value);
    return static_cast<std::uint8_t>((clipped * 255 + info.max_value / 2) / info.max_value);
  };
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    std::uint8_t* rgb = &image.pixels[i];
    rgb[0] = rgb[1] = rgb[2] = next_value();
    if (info.channels == 3) {
      rgb[1] = next_value();
      rgb[2] = next_value();
    }
  }
  return image;
}

// Decodes `region` of a file that check_image() has passed.
Image decode_checked(std::span<const std::uint8_t> bytes, const std::string& name, const ImageInfo& info,
                     const Region& region) {
  const ImageSize whole = info.size();
  Image image;
  std::string trouble;
  if (info.kind == ImageKind::jpeg) {
    trouble = jpeg::decode(bytes, region, whole, image);
  } else if (info.kind == ImageKind::pnm) {
    image = decode_pnm(bytes, info);
  } else {
    trouble = stb::decode(bytes, image);
  }
  if (!trouble.empty()) fail(ErrorCode::data, "{}: damaged: {}", name, trouble);
  if (image.size() == ImageSize{region.height, region.width}) return image;
  if (image.size() != whole) {
    fail(ErrorCode::data, "{}: damaged: decodes to {} x {}, its header says {} x {}", name, image.width,
         image.height, info.width, info.height);
  }
  return crop(image, region.top, region.left, region.height, region.width);
}

}  // namespace

Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name, const DecodeLimits& limits) {
  const ImageInfo info = check_image(bytes, name, limits);
  return decode_checked(bytes, name, info, Region::all_of(info.size()));
}

ImageSize image_size(std::span<const std::uint8_t> bytes, const std::string& name,
                     const DecodeLimits& limits) {
  return check_image(bytes, name, limits).size();
}

Image decode_region(std::span<const std::uint8_t> bytes, const std::string& name, const Region& region,
                    const DecodeLimits& limits) {
  const ImageInfo info = check_image(bytes, name, limits);
  const auto inside = [](int begin, int count, std::int64_t size) {
    return begin >= 0 && count > 0 && std::int64_t{begin} + count <= size;
  };
  check(inside(region.top, region.height, info.height) && inside(region.left, region.width, info.width),
        "[decode_region] expected a part of {} x {}, got {} x {} at ({}, {})", info.height, info.width,
        region.height, region.width, region.top, region.left);
  return decode_checked(bytes, name, info, region);
}

EncodedImage::EncodedImage(std::vector<std::uint8_t> bytes, std::string name, const DecodeLimits& limits)
    : bytes_(std::move(bytes)), name_(std::move(name)), info_(check_image(bytes_, name_, limits)) {}

ImageView EncodedImage::part(const Region& region) {
  part_ = decode_checked(bytes_, name_, info_, region);
  return part_;
}

std::string jpeg_decoder() { return jpeg::decoder(); }

Image read_image(const std::filesystem::path& path, const DecodeLimits& limits) {
  return decode_image(read_regular_file(path, limits.max_bytes), path.string(), limits);
}

}  // namespace salu
