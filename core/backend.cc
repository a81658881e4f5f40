// SPDX-License-Identifier: MIT
#include "core/backend.h"

#include "core/error.h"

namespace salu {
namespace {

const Backend* installed = nullptr;

}  // namespace

const Backend& cuda_backend() {
  if (!installed) {
    fail(ErrorCode::usage, "device cuda: this build has no CUDA (configure with -Dcuda=enabled)");
  }
  return *installed;
}

bool has_cuda_backend() { return installed != nullptr; }

void install_cuda_backend(const Backend& backend) { installed = &backend; }

MemoryStats memory_of(Device device) {
  return device.type == DeviceType::cpu ? host_memory() : cuda_backend().memory();
}

void synchronize(Device device) {
  if (device.type == DeviceType::cuda) cuda_backend().synchronize();
}

}  // namespace salu
