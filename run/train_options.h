// SPDX-License-Identifier: MIT
/// From what a user says to the options of a training: files, environment, the run that is resumed.
#pragma once

#include <string>
#include <vector>

#include "run/train_settings.h"

namespace salu {

/// Merges the settings: `given` on the command line has priority, then the file of -c, then the environment.
/// Unset ones get their defaults, or those of a resumed run, for which the environment is ignored. Throws
/// ErrorCode::usage, and ErrorCode::checkpoint when a setting contradicts the resumed run.
TrainOptions read_train_options(std::vector<Given> given);
/// The complete settings in a run's config.toml.
TrainOptions read_run_options(const std::filesystem::path& folder);

/// Throws ErrorCode::checkpoint, naming both values, when a setting in `now` differs from the run `before`
/// and OnResume forbids it. The number of epochs may only grow.
void refuse_changes(TrainOptions& before, TrainOptions& now);

}  // namespace salu
