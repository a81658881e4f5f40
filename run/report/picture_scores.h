// SPDX-License-Identifier: MIT
/// Scores that keep the pictures where the network is most wrong.
#pragma once

#include <functional>
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

/// Scores the evaluation set of `data`, whose mean and std are those that the network is fed with.
PictureScores score_pictures(const Model& model, const DataSplits& data, const TransformOptions& transform,
                             const PictureScoring& options);

/// Adds those pictures of a batch, without their places, that are among the `most` worst so far.
void keep_worst(std::vector<ScoredPicture>& worst, std::size_t most, const Batch& batch,
                const Tensor& logits);

}  // namespace salu
