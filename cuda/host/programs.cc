// SPDX-License-Identifier: MIT
/// The door of the shim, for programs of test builds.
#include "cuda/runtime/cuda.h"

namespace salu::cuda {

const char* program_backend() { return "cuda-host"; }
int program_devices() { return 1; }
void open(const ProgramOptions& options) { install(options.device); }
std::vector<std::string> describe() { return {"CUDA: the kernels run on the host (test build)"}; }

}  // namespace salu::cuda
