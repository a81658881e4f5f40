// SPDX-License-Identifier: MIT
/// The settings of saluevaluate and its commands: the one place where a flag of theirs is declared.
#pragma once

#include "run/settings.h"
#include "score/evaluate.h"
#include "score/predict.h"

namespace salu {

/// `saluevaluate export CHECKPOINT --output FILE`
struct ExportOptions {
  std::string checkpoint;
  std::filesystem::path output;
  std::optional<std::int64_t> batch_size;  ///< unset: any number of images
  ScoringOptions scoring;
};

// Tables of settings in `options`, which must outlive them.
Settings evaluate_settings(EvaluateOptions& options);
Settings predict_settings(PredictOptions& options);
Settings export_settings(ExportOptions& options);

// Checks that a table cannot express. Each throws ErrorCode::usage.
void check_options(const EvaluateOptions& options);
void check_options(const PredictOptions& options);
void check_options(const ExportOptions& options);

}  // namespace salu
