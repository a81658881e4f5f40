// SPDX-License-Identifier: MIT
/// What to try before a long run.
#pragma once

#include "apps/train_options.h"

namespace salu {

/// --overfit-batch: prints the loss and whether the batch was learned. Throws ErrorCode::numerics when not.
int print_overfit(const TrainOptions& options);

/// --dry-run: a few steps, an evaluation, a checkpoint written and read back, a report, in a folder beside
/// the run's that is removed again. Prints what a whole run will take.
int print_dry_run(const TrainOptions& options);

}  // namespace salu
