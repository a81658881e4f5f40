// SPDX-License-Identifier: MIT
/// ImageNet's reassessed labels "ReaL" (Beyer et al., "Are we done with ImageNet?", arXiv 2006.07159): any
/// number of right answers per validation picture.
#pragma once

#include <filesystem>
#include <vector>

#include "data/loader.h"
#include "train/evaluator.h"

namespace salu {

struct RealScore {
  std::int64_t samples = 0;  ///< pictures with at least one right answer; the others do not count
  std::int64_t correct1 = 0, correct5 = 0;

  double top1() const { return percent(correct1, samples); }
  double top5() const { return percent(correct5, samples); }
};

class RealLabels {
 public:
  /// `file`: a JSON array with a list of class indices for ILSVRC2012_val_00000001, …00000002 and so on.
  /// Throws ErrorCode::data for another file, and for a picture whose name does not lead to a list.
  RealLabels(const std::filesystem::path& file, const Dataset& pictures, std::int64_t classes);

  /// A top-k is right when any of the k predictions is in the picture's list.
  void count(RealScore& score, const Batch& batch, const Tensor& logits) const;

 private:
  std::vector<std::vector<std::int64_t>> labels_;  ///< by index in the data set
};

}  // namespace salu
