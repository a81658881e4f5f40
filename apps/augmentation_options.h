// SPDX-License-Identifier: MIT
#pragma once

#include "apps/train_options.h"

namespace salu {

/// The groups Augmentation and Regularisation of the help.
void add_augmentation_options(CLI::App& app, TrainOptions& options);

}  // namespace salu
