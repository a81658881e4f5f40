// SPDX-License-Identifier: MIT
/// The built-in data set: ten kinds of shape, drawn when asked for, so that the first run needs no download.
///
/// Only the outline tells the class. Colours, texture, place, size, angle, strokes behind the shape and noise
/// are drawn at random, so a linear model of the pixels stays near chance and a small network does not.
#pragma once

#include "data/dataset.h"

namespace salu {

enum class ShapesSplit : std::uint32_t { train, val };

class ShapesDataset : public Dataset {
 public:
  static constexpr int kSide = 32;  ///< pixels
  static constexpr std::int64_t kTrainSize = 10000, kValSize = 2000;

  ShapesDataset(std::uint64_t seed, ShapesSplit split, std::int64_t size);

  std::int64_t size() const override { return size_; }
  /// A pure function of (seed, split, index).
  std::unique_ptr<Picture> picture(std::int64_t index) const override;
  /// The classes take turns, so that any run of samples is balanced.
  int label(std::int64_t index) const override { return static_cast<int>(index % 10); }

 private:
  std::uint64_t seed_;
  ShapesSplit split_;
  std::int64_t size_;
};

}  // namespace salu
