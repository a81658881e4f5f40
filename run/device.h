// SPDX-License-Identifier: MIT
/// The device that a program computes on.
#pragma once

#include <string>
#include <utility>

#include "layers/parameter.h"

namespace salu {

struct DeviceOptions {
  std::string device = "auto";
  DType activations = DType::f32;
  bool handwritten = false;  ///< kernels of this project in place of cuDNN's and cuBLAS's
  bool tf32 = false, deterministic = true;
};
inline constexpr std::pair<const char*, DType> kPrecisions[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
inline constexpr std::pair<const char*, bool> kKernelSources[] = {{"library", false}, {"handwritten", true}};

/// Opens the device and says where a network lives and what it computes in. `auto` is a GPU where there is
/// one. Throws ErrorCode::usage for a combination that does not exist, ErrorCode::environment when the device
/// is not there. `auto` and `cuda` give the ranks of a machine its GPUs in turn.
Placement open_device(const DeviceOptions& options, int local_rank = 0);

/// "cuda, bf16, library kernels" for the head of a run.
std::string describe_placement(const Placement& placement, const DeviceOptions& options);

/// Lines about the processor, the decoder and the backend that were found.
std::string describe_system();

struct SelfTest {
  std::string text;  ///< one line
  bool good;         ///< a training step on the device gave what the CPU gives in f32
};
SelfTest test_device(const DeviceOptions& options);

}  // namespace salu
