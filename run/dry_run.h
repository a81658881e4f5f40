// SPDX-License-Identifier: MIT
/// --dry-run: everything that a run does, once, before a long one begins.
#pragma once

#include <optional>
#include <string>

#include "run/train_settings.h"

namespace salu {

/// Trains a few steps, evaluates, writes a checkpoint, reads it back and writes a report, in a temporary
/// folder beside the run's. Returns an estimate of the whole run's time and size; nothing when a signal
/// stopped it.
std::optional<std::string> dry_run(const TrainOptions& options);

}  // namespace salu
