// SPDX-License-Identifier: MIT
/// Simulated memory of the device and of the running block. It starts as 0xFF bytes, so that floats nobody
/// wrote are NaN; the ends of blocks and variables are guarded; and host code cannot read it where the
/// address sanitizer is at work.
#pragma once

#include <cstddef>
#include <source_location>
#include <type_traits>

namespace salu::cuda::host {

// Device memory, and pinned host memory.

/// 256-byte aligned, filled with 0xFF. Null when the limit is reached.
void* allocate_device(std::size_t bytes);
/// Throws ErrorCode::environment unless `block` is a live block of allocate_device, or when something has
/// written past its end.
void release_device(void* block);
std::size_t device_bytes_limit();
std::size_t device_bytes_in_use();

/// True for an address in a live block or at its end.
bool in_device_memory(const void* p);
/// Throws ErrorCode::environment unless [p, p + bytes) lies in one live block.
void check_device_range(const char* what, const void* p, std::size_t bytes);

void* allocate_host_pinned(std::size_t bytes);
void release_host_pinned(void* block);
void check_pinned_range(const char* what, const void* p, std::size_t bytes);

/// Grants access to device memory during its lifetime. Kernels and copies hold one.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

/// Throws ErrorCode::environment when something has written past the end of a block. Builds without a
/// sanitizer detect such writes after the launch.
void check_block_ends(const char* kernel);

// Shared memory: variables separated by gaps. `static` and thread-local variables would not do, because the
// address sanitizer does not see their ends in templates.

inline constexpr std::size_t kMaxStaticShared = 48 * 1024;  ///< bytes, over all shared() variables
inline constexpr std::size_t kMaxShared = 227 * 1024;       ///< including dynamic_shared(), on an H200

/// The shared variable identified by `tag`; 0xFF bytes at the start of each block. The error names `where`
/// when it does not fit.
void* shared_variable(const void* tag, std::size_t bytes, const std::source_location& where);
/// Null when the launch requested none.
void* dynamic_shared_memory();

// For the scheduler.
void set_dynamic_shared(std::size_t bytes);
void begin_block_memory();
/// Sets machine().error when the block has written between its variables.
void end_block_memory();

/// See cuda/kernels/kernel.cuh.
template <class T, class Tag>
T& shared(const std::source_location& where = std::source_location::current()) {
  static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 128, "shared memory is raw memory");
  static const char tag = 0;
  return *static_cast<T*>(shared_variable(&tag, sizeof(T), where));
}

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(dynamic_shared_memory());
}

}  // namespace salu::cuda::host
