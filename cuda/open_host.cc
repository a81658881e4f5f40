// SPDX-License-Identifier: MIT
/// The part of core/gpu.h that selects device and kernels, under the shim, which has no libraries.
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
