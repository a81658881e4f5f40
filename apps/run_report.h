// SPDX-License-Identifier: MIT
/// The page about a run: `salutrain report RUN`, and what a run writes when it ends.
#pragma once

#include <string>
#include <vector>

#include "apps/train_options.h"
#include "run/progress.h"
#include "run/training_run.h"

namespace salu {

/// `arguments` stand behind the command. Returns the exit code.
int report_command(const std::vector<std::string>& arguments);

/// The end of a training: with the pictures when it ran to its end, else the curves alone, because who stops
/// a run does not want to wait. A report that cannot be written is a line of progress, not an error: the run
/// is saved.
void report_run(const TrainConfig& config, TrainingRun& trainer, const TrainOutcome& outcome,
                const std::filesystem::path& folder, Progress& progress);

}  // namespace salu
