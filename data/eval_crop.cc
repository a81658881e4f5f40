// SPDX-License-Identifier: MIT
#include "data/eval_crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace salu {
namespace {

constexpr std::pair<const char*, EvalCrop> kModes[] = {
    {"center", EvalCrop::center}, {"squash", EvalCrop::squash}, {"border", EvalCrop::border}};

ImageSize resized_size(const ImageSize& size, EvalCrop mode, int side) {
  if (mode == EvalCrop::squash) return {side, side};
  return mode == EvalCrop::border ? long_side_size(size, side) : short_side_size(size, side);
}

/// `part` in the middle of a square.
Image bordered(const Image& part, int side, const Rgb& fill) {
  Image out(side, side);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = fill[i % 3];
  const int top = (side - part.height) / 2, left = (side - part.width) / 2;
  for (int y = 0; y < part.height; ++y) {
    std::memcpy(out.at(top + y, left), part.at(y, 0), static_cast<std::size_t>(part.width) * 3);
  }
  return out;
}

}  // namespace

const char* name_of(EvalCrop mode) {
  return std::ranges::find(kModes, mode, [](auto& m) { return m.second; })->first;
}

std::optional<EvalCrop> eval_crop_of(const std::string& name) {
  for (const auto& [known, mode] : kModes) {
    if (name == known) return mode;
  }
  return std::nullopt;
}

ImageSize long_side_size(const ImageSize& size, int side) {
  const double ratio = static_cast<double>(std::max(size.height, size.width)) / side;
  const auto length = [&](int n) { return std::max(1, static_cast<int>(std::nearbyint(n / ratio))); };
  return {length(size.height), length(size.width)};
}

Image eval_crop(Picture& picture, EvalCrop mode, int resized, int side, Interpolation interpolation,
                const Rgb& fill) {
  const ImageSize size = resized_size(picture.size(), mode, resized);
  const int height = std::min(side, size.height), width = std::min(side, size.width);
  Image part = resize_part(picture, size, center_region(size, height, width), interpolation);
  return part.size() == ImageSize{side, side} ? part : bordered(part, side, fill);
}

}  // namespace salu
