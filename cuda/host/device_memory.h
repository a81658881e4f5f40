// SPDX-License-Identifier: MIT
/// Simulated device memory: registered, so that wrong pointers are found, and unreadable to host code where
/// the address sanitizer is at work.
#pragma once

#include <cstddef>

namespace salu::cuda::host {

/// 256-byte aligned, every byte 0xFF: what nobody wrote reads as NaN. Null when the limit is reached.
void* allocate_device(std::size_t bytes);
/// Throws ErrorCode::environment unless `block` came from allocate_device and is live, or when something
/// wrote beyond its end.
void release_device(void* block);
std::size_t device_bytes_limit();
std::size_t device_bytes_in_use();

/// True for an address in a live block, its end included.
bool in_device_memory(const void* p);
/// Throws ErrorCode::environment unless [p, p + bytes) lies in one live block.
void check_device_range(const char* what, const void* p, std::size_t bytes);

void* allocate_host_pinned(std::size_t bytes);
void release_host_pinned(void* block);
void check_pinned_range(const char* what, const void* p, std::size_t bytes);

/// While one lives, device memory may be read and written: kernels and copies have one.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

/// Throws ErrorCode::environment when something wrote directly beyond the end of a block. The builds without
/// a sanitizer find such writes after the launch.
void check_block_ends(const char* kernel);

}  // namespace salu::cuda::host
