// SPDX-License-Identifier: MIT
/// The images that saluevaluate scores.
#pragma once

#include "data/dataset.h"
#include "score/scoring.h"

namespace salu {

struct ScoringDataOptions {
  std::optional<std::string> dataset;  ///< by default the training's; folder when only a place is given
  std::filesystem::path data_dir;      ///< by default that of the checkpoint's run
  /// A split (train, val, test) or a folder; by default the one that training scored.
  std::optional<std::string> split;
  std::int64_t num_samples = 0;
  std::optional<BadImages> bad_images;           ///< stop or leave_out; by default as in training
  std::optional<double> max_bad;                 ///< by default as in training
  std::optional<std::int64_t> max_image_pixels;  ///< by default as in training
};

struct ScoringData {
  std::shared_ptr<const Dataset> images;   ///< labels are those of the network
  std::string split;                       ///< "val", "test", or the requested one
  BadImages bad_images = BadImages::stop;  ///< or leave_out
  double max_bad_percent = kMaxBadPercent;
};

/// Opens the images to score. The data settings in the run's config.toml apply, wherever the data are now,
/// unless other data are named: a dataset of another kind, or dataset and data_dir together.
///
/// Matches classes by name, not by position. A network without class names (weights from elsewhere, no
/// --class-map) takes those of the data set if the number agrees, and `card` gets them. A folder needs no
/// training images: DIR/{val,validation,valid,test}/<class>/ or DIR/<class>/.
ScoringData open_scoring_data(const ScoringDataOptions& options, ModelCard& card,
                              const std::filesystem::path& checkpoint);

}  // namespace salu
