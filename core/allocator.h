// SPDX-License-Identifier: MIT
/// Host memory: a caching allocator, so that a training loop stops asking the system after its first steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace salu {

inline constexpr std::size_t kAlignment = 64;  ///< bytes; one cache line, one AVX-512 register

struct MemoryStats {
  std::int64_t live_blocks = 0;   ///< blocks in use
  std::int64_t live_bytes = 0;    ///< bytes in use, rounded up to block sizes
  std::int64_t peak_bytes = 0;    ///< highest live_bytes so far
  std::int64_t cached_bytes = 0;  ///< bytes kept for reuse
  std::int64_t system_calls = 0;  ///< allocations that went to the system
};

/// At least `bytes` bytes, 64-byte aligned, not initialised (0xFF bytes in debug builds: unwritten floats are
/// NaN). The block returns to the cache when the last owner goes. Throws ErrorCode::environment when memory
/// is exhausted.
std::shared_ptr<void> allocate_host(std::size_t bytes);

MemoryStats host_memory();
void reset_peak();           ///< peak_bytes = live_bytes
void release_cached_host();  ///< gives cached blocks back to the system

}  // namespace salu
