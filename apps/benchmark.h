// SPDX-License-Identifier: MIT
/// salutrain --benchmark N.
#pragma once

#include "apps/train_options.h"

namespace salu {

/// Times steps and prints them: a line of text, or with --json an object. Writes no run folder. Returns the
/// exit code.
int print_benchmark(const TrainOptions& options);

}  // namespace salu
