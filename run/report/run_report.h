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
  std::optional<std::filesystem::path> data_dir;  ///< by default that of the training
  std::int64_t num_samples = 0;                   ///< 0: as in the run
  bool scores = true;                             ///< false: curves only
  DeviceOptions device;
};

/// Scores the newest checkpoint, writes the page and returns its path. When the data set is missing, the page
/// lacks scores and a line on stderr says so; with `data_dir` it is an error.
std::filesystem::path report_on(const ReportOptions& options);

/// Writes the report at the end of a training. It scores images only after a complete run, because a user who
/// stops a run does not want to wait. A failure to write is a line of progress, not an error: the run is
/// already saved.
void report_run(const TrainConfig& config, TrainingRun& trainer, const TrainOutcome& outcome,
                const std::filesystem::path& folder, Progress& progress);

}  // namespace salu
