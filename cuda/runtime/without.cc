// SPDX-License-Identifier: MIT
/// The door of a build without CUDA.
#include "core/backend.h"
#include "cuda/runtime/cuda.h"

namespace salu::cuda {

const char* program_backend() { return ""; }
int program_devices() { return 0; }
void open(const ProgramOptions&) { cuda_backend(); }  // throws: this build has no CUDA
std::vector<std::string> describe() { return {"CUDA: not built in (configure with -Dcuda=enabled)"}; }

}  // namespace salu::cuda
