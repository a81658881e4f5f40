// SPDX-License-Identifier: MIT
/// A training from its options to its result: ranks, device, run folder, log, report.
#pragma once

#include "run/train_settings.h"

namespace salu {

/// Trains; called by all ranks of a run. Rank 0 prints the result on stdout. Returns the exit code: 0, or 128
/// plus the number of the signal that stopped it.
int run_training(TrainOptions options);

}  // namespace salu
