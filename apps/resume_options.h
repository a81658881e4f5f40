// SPDX-License-Identifier: MIT
/// What --resume means for the other flags.
#pragma once

#include "apps/train_options.h"

namespace salu {

/// Sets run_dir and checkpoint: --resume names a run folder, or a checkpoint in it (DIR/best,
/// DIR/checkpoints/epoch-0003).
void split_resume_path(TrainOptions& options);

/// Throws ErrorCode::checkpoint when a setting of the run, both as resolved TOML, is another one now and may
/// not be.
void refuse_changes(const TrainOptions& options, const std::string& before, const std::string& now);

}  // namespace salu
