// SPDX-License-Identifier: MIT
/// The shared memory of the running block: variables with gaps between them. Neither `static` nor
/// thread-local variables would do: the address sanitizer does not see the ends of those in templates.
#pragma once

#include <cstddef>
#include <source_location>
#include <type_traits>

namespace salu::cuda::host {

inline constexpr std::size_t kMaxStaticShared = 48 * 1024;  ///< bytes, of all shared() together
inline constexpr std::size_t kMaxShared = 227 * 1024;       ///< with dynamic_shared(), on an H200

/// The shared variable that `tag` stands for; 0xFF bytes at the start of each block, so that floats nobody
/// wrote are NaN. `where` is named when it does not fit.
void* shared_variable(const void* tag, std::size_t bytes, const std::source_location& where);
/// Null when the launch asked for none.
void* dynamic_shared_memory();

// For machine.cc.
void set_dynamic_shared(std::size_t bytes);
void begin_block_memory();
/// Sets machine().error when the block wrote between its variables.
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
