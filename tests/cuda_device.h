// SPDX-License-Identifier: MIT
/// The CUDA device of the tests: a GPU (cuda_device_gpu.cc), or the host shim (cuda_device_host.cc).
#pragma once

#include <string>
#include <vector>

#include "core/device.h"

namespace salu::test {

/// Installs the backend on the first call. Where there is no GPU, says so and ends the program with the exit
/// status that Meson reads as "skipped". On a GPU, SALU_TEST_KERNELS=library in the environment chooses cuDNN
/// and cuBLASLt where they have the op.
Device cuda_device();

/// The order in which the shim runs threads and blocks: 0 ascending, 1 descending, else shuffled. A GPU has
/// its own order.
void set_schedule(std::uint64_t seed);

/// Names of the kernels launched so far; empty on a GPU, which keeps no list.
std::vector<std::string> launched_kernels();

}  // namespace salu::test
