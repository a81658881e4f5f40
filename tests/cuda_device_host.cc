// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>

#include "core/gpu.h"
#include "cuda/host/host.h"
#include "tests/cuda_device.h"

namespace salu::test {
namespace {

/// For kernel_count.py: the kernels that this program launched, one name per line.
void write_launched() {
  const char* path = std::getenv("SALU_LAUNCHED_KERNELS");
  if (!path) return;
  std::FILE* file = std::fopen(path, "w");
  if (!file) return;
  for (const std::string& name : launched_kernels()) std::fprintf(file, "%s\n", name.c_str());
  std::fclose(file);
}

}  // namespace

Device cuda_device() {
  static const bool installed = [] {
    gpu::open({});
    std::atexit(write_launched);
    return true;
  }();
  return {installed ? DeviceType::cuda : DeviceType::cpu, 0};
}

void set_schedule(std::uint64_t seed) { cuda::host::set_schedule(seed); }

std::vector<std::string> launched_kernels() { return cuda::host::launched_kernels(); }

}  // namespace salu::test
