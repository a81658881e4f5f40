// SPDX-License-Identifier: MIT
/// The door of the CUDA backend for programs. Every program links one of three versions: the GPU's
/// (library/programs.cc), the shim's in test builds (host/programs.cc), and none (without.cc).
#pragma once

#include <string>
#include <vector>

namespace salu::cuda {

/// "cuda", "cuda-host", or "" in a build without CUDA.
const char* program_backend();
/// Usable devices; 0 where there is no driver.
int program_devices();

struct ProgramOptions {
  int device = 0;
  bool handwritten = false;   ///< no cuDNN and cuBLAS
  bool tf32 = false;          ///< f32 products on tensor cores, with 10 bits of mantissa
  bool deterministic = true;  ///< only library code that gives the same bits every time
};

/// Makes DeviceType::cuda usable: memory for Tensor, the kernels of every op, the libraries. Call once,
/// before the first CUDA tensor. Throws ErrorCode::usage in a build without CUDA, ErrorCode::environment when
/// there is no such device.
void open(const ProgramOptions& options);

/// One line for each thing found: driver, toolkit, libraries, devices.
std::vector<std::string> describe();

/// Memory and kernels without the libraries: what open() begins with, and what tests of kernels use.
void install(int device);

}  // namespace salu::cuda
