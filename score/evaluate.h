// SPDX-License-Identifier: MIT
/// Scoring of one checkpoint, as saluevaluate does it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "score/class_lists.h"
#include "score/scoring_data.h"
#include "train/evaluator.h"

namespace salu {

/// Scores of one class, or their average, from 0 to 1. A class that was never predicted has precision 0, a
/// class without images recall 0.
struct Scores {
  double precision = 0, recall = 0, f1 = 0;
};

enum class Average {
  macro,     ///< plain mean over the classes that occur as truth or prediction
  micro,     ///< over all images: all three are the accuracy
  weighted,  ///< mean weighted by the number of images of a class
};
inline constexpr std::pair<const char*, Average> kAverages[] = {
    {"macro", Average::macro}, {"micro", Average::micro}, {"weighted", Average::weighted}};
const char* name_of(Average average);

std::vector<Scores> class_scores(const EvalResult& result);
Scores averaged_scores(const EvalResult& result, Average average);

struct EvaluateOptions {
  std::vector<std::string> checkpoints;
  ScoringOptions scoring;
  ScoringDataOptions data;
  int workers = 2;
  std::optional<Average>
      average;  ///< also shows precision, recall and F1 in the table; files default to macro
  bool json = false;
  bool per_class = false;
  std::filesystem::path valid_labels;  ///< restricts the prediction to these classes; empty: all
  std::filesystem::path real_labels;   ///< file for RealLabels
  bool retry = false;                  ///< halves the batch when memory runs out
  std::filesystem::path results_file;  ///< .json or .csv
  std::filesystem::path report;        ///< folder for per_class.csv, confusion.{csv,svg}, calibration.csv
};

/// One row of the results: the raw or averaged weights of a checkpoint.
struct ScoredWeights {
  std::string path;
  std::string weights;  ///< "raw" or "ema"
  ModelCard card;
  std::int64_t parameters = 0;
  std::string split;    ///< "val" or "test"
  std::string dataset;  ///< name of the data set
  EvalResult result;
  Scores scores;        ///< averaged as requested
  std::string average;  ///< how: "macro", "micro" or "weighted"
  std::optional<RealScore> real;
  std::string non_finite;  ///< name of a weight with NaN or Inf, or ""
  std::string description;
};

/// Returns attempt(batch_size). When memory runs out, halves `batch_size`, reports it on stderr and tries
/// again; throws when a single image does not fit.
EvalResult with_smaller_batches(std::int64_t& batch_size,
                                const std::function<EvalResult(std::int64_t)>& attempt);

/// Scores the raw weights and, if the checkpoint has them, the averaged ones.
std::vector<ScoredWeights> score_checkpoint(const std::string& path, const EvaluateOptions& options);

}  // namespace salu
