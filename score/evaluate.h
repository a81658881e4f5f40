// SPDX-License-Identifier: MIT
/// What saluevaluate does for one checkpoint.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "score/real_labels.h"
#include "score/scores.h"
#include "score/scoring_data.h"

namespace salu {

struct EvaluateOptions {
  std::vector<std::string> checkpoints;
  ScoringOptions scoring;
  ScoringDataOptions data;
  int workers = 2;
  std::optional<Average> average;  ///< precision, recall and F1 also in the table; macro in files
  bool json = false;
  bool per_class = false;
  std::filesystem::path valid_labels;  ///< the classes that compete; empty: all
  std::filesystem::path real_labels;   ///< as RealLabels reads it
  bool retry = false;                  ///< with half the batch when memory runs out
  std::filesystem::path results_file;  ///< .json or .csv
  std::filesystem::path report;        ///< folder for per_class.csv, confusion.{csv,svg}, calibration.csv
};

/// One row of the results: the raw or the averaged weights of a checkpoint.
struct ScoredWeights {
  std::string path;
  std::string weights;  ///< "raw" or "ema"
  ModelCard card;
  std::int64_t parameters = 0;
  std::string split;    ///< "val" or "test"
  std::string dataset;  ///< the data set's own name
  EvalResult result;
  Scores scores;        ///< averaged as asked for
  std::string average;  ///< "macro", "micro" or "weighted": how
  std::optional<RealScore> real;
  std::string non_finite;  ///< name of a weight with NaN or Inf, or ""
  std::string description;
};

/// What `attempt(batch_size)` gives. Where memory runs out, `batch_size` is halved, a line on stderr says so,
/// and another attempt begins; that of a single picture fails.
EvalResult with_smaller_batches(std::int64_t& batch_size,
                                const std::function<EvalResult(std::int64_t)>& attempt);

/// Scores the raw weights, and beside them the averaged ones where the checkpoint holds any.
std::vector<ScoredWeights> score_checkpoint(const std::string& path, const EvaluateOptions& options);

}  // namespace salu
