// SPDX-License-Identifier: MIT
/// The page about a run with its pictures scored: when a run ends, and for `salutrain report`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "run/device.h"
#include "run/progress.h"
#include "run/report/report.h"
#include "run/training_run.h"

namespace salu {

struct ReportOptions {
  std::filesystem::path run;
  std::optional<std::filesystem::path> data_dir;  ///< as in training by default
  std::int64_t num_samples = 0;                   ///< 0: those of the run
  bool scores = true;                             ///< else curves only
  DeviceOptions device;
};

/// Scores the newest checkpoint and writes the page; returns its path. A data set that is not there costs the
/// scores and a line on stderr only, unless `data_dir` names it.
std::filesystem::path report_on(const ReportOptions& options);

/// The end of a training: with the pictures when it ran to its end, else the curves alone, because who stops
/// a run does not want to wait. A report that cannot be written is a line of progress, not an error: the run
/// is saved.
void report_run(const TrainConfig& config, TrainingRun& trainer, const TrainOutcome& outcome,
                const std::filesystem::path& folder, Progress& progress);

}  // namespace salu
