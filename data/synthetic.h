// SPDX-License-Identifier: MIT
/// Random bytes with random labels, for measuring: any size of picture and number of classes, nothing to
/// read.
#pragma once

#include "data/dataset.h"

namespace salu {

class SyntheticDataset : public Dataset {
 public:
  static constexpr std::int64_t kTrainSize = 50000, kEvalSize = 10000;

  SyntheticDataset(std::uint64_t seed, const SyntheticOptions& options, std::int64_t size);

  std::int64_t size() const override { return size_; }
  /// Pure functions of (seed, index).
  std::unique_ptr<Picture> picture(std::int64_t index) const override;
  int label(std::int64_t index) const override;

 private:
  std::uint64_t seed_;
  SyntheticOptions options_;
  std::int64_t size_;
};

}  // namespace salu
