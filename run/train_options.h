// SPDX-License-Identifier: MIT
/// From what a user says to the options of a training: files, environment, the run that is resumed.
#pragma once

#include <string>
#include <vector>

#include "run/train_settings.h"

namespace salu {

/// `given` on the command line; then the file of -c counts, then the environment. Fills in what was left out,
/// or takes it from the run that is resumed; there the environment has no say. Throws ErrorCode::usage, and
/// ErrorCode::checkpoint when a setting contradicts that run.
TrainOptions read_train_options(std::vector<Given> given);
/// The settings in config.toml of a run, where nothing is left out.
TrainOptions read_run_options(const std::filesystem::path& folder);

/// Throws ErrorCode::checkpoint, naming both values, when `now` has a setting that may not differ from that
/// of the run `before`: see OnResume. Epochs only grow.
void refuse_changes(TrainOptions& before, TrainOptions& now);

}  // namespace salu
