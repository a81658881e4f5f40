// SPDX-License-Identifier: MIT
/// The command line of salutrain.
#pragma once

#include "apps/cli.h"
#include "run/train_settings.h"

namespace salu {

/// Nothing after printing help or version. Throws as read_train_options() does.
std::optional<TrainOptions> read_train_command_line(const Arguments& arguments);

}  // namespace salu
