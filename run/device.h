// SPDX-License-Identifier: MIT
/// The device that a program computes on.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "layers/parameter.h"

namespace salu {

struct DeviceOptions {
  std::string device = "auto";
  std::optional<DType> activations = DType::f32;  ///< nothing: precision_of() chooses
  bool handwritten = false;                       ///< uses our kernels instead of cuDNN and cuBLAS
  bool tf32 = false, deterministic = true;
};
inline constexpr std::pair<const char*, std::optional<DType>> kPrecisions[] = {
    {"f32", DType::f32}, {"bf16", DType::bf16}, {"auto", std::nullopt}};
inline constexpr std::pair<const char*, bool> kKernelSources[] = {{"library", false}, {"handwritten", true}};

/// Opens the device; returns it with the types that a network computes in. `auto` is a GPU if there is one.
/// `auto` and `cuda` distribute a machine's GPUs over its ranks in turn. Throws ErrorCode::usage for an
/// unsupported combination, ErrorCode::environment when the device does not exist.
Placement open_device(const DeviceOptions& options, int local_rank = 0);

/// The dtype of activations that `options` ask for. `auto` is bf16 on a GPU and on a processor with a matrix
/// unit, else f32.
DType precision_of(const DeviceOptions& options);

/// A line about the speed of bf16 on this processor where the other precision is faster, else "".
std::string precision_note(const Placement& placement);

/// "cuda, bf16, library kernels", for the start of the log.
std::string describe_placement(const Placement& placement, const DeviceOptions& options);

/// Lines about the processor, the decoder and the backend.
std::string describe_system();

struct SelfTest {
  std::string text;  ///< one line
  bool good;         ///< a training step on the device agrees with the CPU in f32
};
SelfTest test_device(const DeviceOptions& options);

}  // namespace salu
