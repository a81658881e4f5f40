// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include "run/config.h"

namespace salu {

/// The groups Optimisation and Schedule, and the mixing of pictures in Augmentation.
void add_optimisation_options(CLI::App& app, TrainConfig& config);

}  // namespace salu
