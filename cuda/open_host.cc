// SPDX-License-Identifier: MIT
/// What core/gpu.h says about a program's choice of device and kernels, under the shim: there are no
/// libraries.
#include "core/gpu.h"
#include "cuda/register_ops.h"

namespace salu {

void gpu::use_libraries(bool) { cuda::register_ops(); }

void gpu::open(const OpenOptions& options) {
  use_device(options.device);
  cuda::register_ops();
}

std::vector<std::string> gpu::describe() { return {"CUDA: the kernels run on the host (test build)"}; }

}  // namespace salu
