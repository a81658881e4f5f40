// SPDX-License-Identifier: MIT
/// --dry-run: everything that a run does, once, before a long one begins.
#pragma once

#include <optional>
#include <string>

#include "run/train_settings.h"

namespace salu {

/// A few steps, an evaluation, a checkpoint written and read back, a report, in a folder beside the run's
/// that is removed again. Says what a whole run will take; nothing when a signal stopped it.
std::optional<std::string> dry_run(const TrainOptions& options);

}  // namespace salu
