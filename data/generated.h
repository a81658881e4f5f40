// SPDX-License-Identifier: MIT
/// The data sets that need no files: shapes to learn from, random bytes to measure with.
#pragma once

#include "data/dataset.h"

namespace salu {

enum class ShapesSplit : std::uint32_t { train, val };

/// Ten kinds of shape, drawn on demand, so that the first run needs no download. Only the outline determines
/// the class: colours, texture, place, size, angle, strokes and noise are random. A linear model of the
/// pixels stays near chance; a small network does not.
class ShapesDataset : public Dataset {
 public:
  static constexpr int kSide = 32;  ///< pixels
  static constexpr std::int64_t kTrainSize = 10000, kValSize = 2000;

  ShapesDataset(std::uint64_t seed, ShapesSplit split, std::int64_t size);

  std::int64_t size() const override { return size_; }
  /// A pure function of (seed, split, index).
  std::unique_ptr<ImageSource> open(std::int64_t index) const override;
  /// Labels cycle through the classes, so that any run of samples is balanced.
  int label(std::int64_t index) const override { return static_cast<int>(index % 10); }

 private:
  std::uint64_t seed_;
  ShapesSplit split_;
  std::int64_t size_;
};

DataSplits open_shapes(const DataOptions& options);

/// Random bytes with random labels, for benchmarks without input files: any image size and number of classes.
class SyntheticDataset : public Dataset {
 public:
  static constexpr std::int64_t kTrainSize = 50000, kEvalSize = 10000;

  SyntheticDataset(std::uint64_t seed, const SyntheticOptions& options, std::int64_t size);

  std::int64_t size() const override { return size_; }
  /// Pure functions of (seed, index).
  std::unique_ptr<ImageSource> open(std::int64_t index) const override;
  int label(std::int64_t index) const override;

 private:
  std::uint64_t seed_;
  SyntheticOptions options_;
  std::int64_t size_;
};

DataSplits open_synthetic(const DataOptions& options);

}  // namespace salu
