// SPDX-License-Identifier: MIT
/// The pictures that saluevaluate scores.
#pragma once

#include "data/dataset.h"
#include "score/scoring.h"

namespace salu {

struct ScoringDataOptions {
  std::optional<std::string> dataset;  ///< the one of training by default, folder when only a place is given
  std::filesystem::path data_dir;      ///< by default that of the run that the checkpoint lies in
  std::optional<std::string> split;    ///< train, val, test, a folder; by default what training scored
  std::int64_t num_samples = 0;
  std::optional<BadImages> bad_images;  ///< stop or leave_out; by default as in training
  std::optional<double> max_bad;        ///< likewise
};

struct ScoringData {
  std::shared_ptr<const Dataset> pictures;  ///< with the labels of the network
  std::string split;                        ///< "val", "test", or the one asked for
  BadImages bad_images = BadImages::stop;   ///< or leave_out
  double max_bad_percent = kMaxBadPercent;
};

/// What the run's config.toml says about its data holds, wherever they lie now, unless other data are named:
/// a dataset of another kind, or dataset and data_dir together.
///
/// Classes are matched by name, not by position; a network that knows no names (weights from elsewhere, no
/// --class-map) takes those of the data set when there are as many, and `card` gets them. A folder needs no
/// training pictures: DIR/{val,validation,valid,test}/<class>/ or DIR/<class>/.
ScoringData open_scoring_data(const ScoringDataOptions& options, ModelCard& card,
                              const std::filesystem::path& checkpoint);

}  // namespace salu
