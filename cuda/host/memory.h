// SPDX-License-Identifier: MIT
/// Device memory of the shim: host memory that is registered, starts as 0xFF bytes, and under
/// AddressSanitizer is out of bounds for everything but kernels and the seam's copies.
#pragma once

#include <cstddef>

namespace salu::cuda::host {

void* allocate_device(std::size_t bytes);
void release_device(void* block);  ///< throws when it is no live block
bool is_device_memory(const void* p);
std::size_t allocation_count();

/// While alive, device memory may be touched.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace salu::cuda::host
