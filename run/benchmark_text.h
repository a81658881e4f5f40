// SPDX-License-Identifier: MIT
/// The result of --benchmark as a line, with a table of the ops where they were timed, or as JSON.
#pragma once

#include <string>

#include "run/device.h"
#include "run/trials.h"

namespace salu {

std::string benchmark_text(const TrainConfig& config, const DeviceOptions& device,
                           const BenchmarkResult& result);
std::string benchmark_json(const TrainConfig& config, const DeviceOptions& device,
                           const BenchmarkResult& result);

}  // namespace salu
