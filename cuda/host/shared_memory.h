// SPDX-License-Identifier: MIT
/// The shared memory of the running block.
///
/// An arena, not static or thread_local variables: AddressSanitizer watches the poisoned gaps between the
/// objects. It starts as 0xFF bytes in every block, so that unwritten floats are NaN.
#pragma once

#include <cstddef>

namespace salu::cuda::host {

inline constexpr std::size_t kMostShared = 227 * 1024;  ///< static and dynamic together, of compute 9.0
inline constexpr std::size_t kMostStatic = 48 * 1024;

void set_dynamic_shared(std::size_t bytes);  ///< for the blocks that follow
void reset_shared_memory();                  ///< at the start of a block
/// The object of this tag, made on the first call in the block.
void* shared_object(const void* tag, std::size_t bytes);
void* dynamic_shared_bytes();

/// One object of type T in the shared memory of the block; `Tag` tells several of one type apart.
template <class T, class Tag>
T& shared() {
  static const char tag = 0;
  return *static_cast<T*>(shared_object(&tag, sizeof(T)));
}

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(dynamic_shared_bytes());
}

}  // namespace salu::cuda::host
