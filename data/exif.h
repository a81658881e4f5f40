// SPDX-License-Identifier: MIT
/// EXIF: how a camera was held.
#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace salu {

/// The orientation 1..8 in EXIF data, which begin with "II*" or "MM". 1, as stored, when they are broken or
/// do not say.
int exif_orientation(std::span<const std::uint8_t> tiff);

/// The size of a stored image after turning.
ImageSize turned_size(const ImageSize& stored, int orientation);
/// The part of a stored image that becomes `region` of the turned one.
Region stored_region(const Region& region, const ImageSize& stored, int orientation);
/// The bits of Pillow's ImageOps.exif_transpose().
Image turned(const Image& stored, int orientation);

}  // namespace salu
