// SPDX-License-Identifier: MIT
/// What --resume takes, and what it lets a user change.
#pragma once

#include "run/train_settings.h"

namespace salu {

/// Splits options.resume (a run, its checkpoints folder, a checkpoint, last or best) into options.run_dir and
/// options.checkpoint. Throws ErrorCode::checkpoint when no run is there.
void find_run(TrainOptions& options);

/// A run goes on from its newest checkpoint. Throws ErrorCode::checkpoint when the run has none, and
/// ErrorCode::usage for an older one unless --output names a new folder.
void check_checkpoint(const TrainOptions& options);

/// Throws ErrorCode::checkpoint, naming both values, when `now` has a setting that may not differ from that
/// of the run `before`: see OnResume. Epochs only grow.
void refuse_changes(TrainOptions& before, TrainOptions& now);

}  // namespace salu
