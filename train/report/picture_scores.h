// SPDX-License-Identifier: MIT
/// Scores that keep the pictures: which classes are taken for which, and where the network is most wrong.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/loader.h"
#include "data/transform.h"
#include "train/evaluator.h"

namespace salu {

struct ScoredPicture {
  std::int64_t index = 0;  ///< in the evaluation set
  std::string place;       ///< where it comes from
  int truth = 0, predicted = 0;
  double loss = 0;  ///< infinite when a logit is NaN
  double truth_probability = 0, predicted_probability = 0;
  Image picture;  ///< as the network saw it
};

struct PictureScores {
  EvalResult result;
  std::vector<std::string> class_names;
  /// Pictures by (truth, prediction), where there are some: a full matrix of 20,000 classes would fill
  /// gigabytes. Without pictures with a NaN logit.
  std::map<std::pair<int, int>, std::int64_t> confusion;
  std::vector<ScoredPicture> worst;  ///< the highest loss first; of equals the one that comes first
};

struct PictureScoring {
  std::int64_t batch_size = 256;
  int workers = 2;
  std::size_t worst = 24;  ///< pictures to keep
  BadImages bad_images = BadImages::stop;
  double max_bad_percent = kMaxBadPercent;
  std::function<void(const std::string&)> report;  ///< as LoaderOptions
  std::function<bool()> stop;  ///< asked before every batch: true ends it there; may be empty
};

/// Scores the evaluation set of `data`.
PictureScores score_pictures(const Model& model, const DataSplits& data, const TransformOptions& transform,
                             const PictureScoring& options);

/// Adds one batch: everything but `result` and the places.
void keep_pictures(PictureScores& scores, const Tensor& logits, const Batch& batch, std::size_t worst);

}  // namespace salu
