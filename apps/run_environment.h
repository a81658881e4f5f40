// SPDX-License-Identifier: MIT
/// What environment.json says about one start of a run.
#pragma once

#include "apps/train_options.h"
#include "run/environment.h"
#include "run/training_run.h"

namespace salu {

/// Version, time, command line, device and machine; call it when a resumed run has been restored.
nlohmann::json describe_start(const TrainOptions& options, const TrainingRun& trainer, int ranks);

}  // namespace salu
