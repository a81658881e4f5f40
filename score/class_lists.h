// SPDX-License-Identifier: MIT
/// Files that say something about classes: lists, descriptions, and ImageNet's reassessed labels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/loader.h"
#include "score/scoring.h"

namespace salu {

/// Indices of the classes listed in a file, one name or index per line. Throws ErrorCode::data, with the
/// line, for an unknown entry.
std::vector<std::int64_t> listed_classes(const std::filesystem::path& file, const ModelCard& card);

/// A human-readable description of each class, in output order. Read from lines of the form `n01440764 tench,
/// Tinca tinca` or, without a file, from label_descriptions of the checkpoint's config.json. For a network
/// without class names the file must have a line for each output.
std::vector<std::string> class_descriptions(const std::filesystem::path& file, ScoringModel& model);

/// Accuracy by RealLabels.
struct RealScore {
  std::int64_t samples = 0;  ///< images with at least one right answer; others do not count
  std::int64_t correct1 = 0, correct5 = 0;

  double top1() const { return percent(correct1); }
  double top5() const { return percent(correct5); }

 private:
  double percent(std::int64_t n) const {
    return samples ? 100.0 * static_cast<double>(n) / static_cast<double>(samples) : 0;
  }
};

/// ImageNet's reassessed labels "ReaL" (Beyer et al., "Are we done with ImageNet?", arXiv 2006.07159), with
/// any number of right answers per validation image.
class RealLabels {
 public:
  /// `file`: a JSON array with a list of class indices for ILSVRC2012_val_00000001, …00000002 and so on.
  /// Throws ErrorCode::data for another file, and for an image whose name has no list.
  RealLabels(const std::filesystem::path& file, const Dataset& images, std::int64_t classes);

  /// Top-k is right when any of the k predictions is in the image's list.
  void count(RealScore& score, const Batch& batch, const Tensor& logits) const;

 private:
  std::vector<std::vector<std::int64_t>> labels_;  ///< by index in the data set
};

}  // namespace salu
