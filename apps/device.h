// SPDX-License-Identifier: MIT
/// --device, --precision, --kernels, --tf32, --deterministic and --check.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "layers/parameter.h"

namespace salu {

struct DeviceOptions {
  std::string device = "auto", precision = "f32", kernels = "library";
  bool tf32 = false, deterministic = true;
};

/// Adds the flags to the group "Device".
void add_device_options(CLI::App& app, DeviceOptions& options);

/// Opens the device and says where a network lives and what it computes in. `auto` is a GPU where there is
/// one. Throws ErrorCode::usage for a combination that does not exist, ErrorCode::environment when the device
/// is not there. `auto` and `cuda` give the ranks of a machine its GPUs in turn.
Placement open_device(const DeviceOptions& options, int local_rank = 0);

/// "cuda:0, bf16, cuDNN and cuBLAS" for the head of a run.
std::string describe_placement(const Placement& placement, const DeviceOptions& options);

/// --check: what was built, what was found, and a self-test of `device`. Returns the exit code.
int print_check(const DeviceOptions& options);

}  // namespace salu
