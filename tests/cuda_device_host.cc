// SPDX-License-Identifier: MIT
#include "cuda/cuda.h"
#include "cuda/host/host.h"
#include "tests/cuda_device.h"

namespace salu::test {

Device cuda_device() {
  static const bool installed = [] {
    cuda::install(0);
    return true;
  }();
  return {installed ? DeviceType::cuda : DeviceType::cpu, 0};
}

void set_schedule(std::uint64_t seed) { cuda::host::set_schedule(seed); }

std::vector<std::string> launched_kernels() { return cuda::host::launched_kernels(); }

}  // namespace salu::test
