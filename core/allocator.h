// SPDX-License-Identifier: MIT
/// Host memory: a caching allocator. A training loop asks the system for no memory after its first steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace salu {

inline constexpr std::size_t kAlignment = 64;  ///< bytes; one cache line, one AVX-512 register

struct MemoryStats {
  std::int64_t live_blocks = 0;   ///< blocks in use
  std::int64_t live_bytes = 0;    ///< bytes in use, rounded up to block sizes
  std::int64_t peak_bytes = 0;    ///< highest live_bytes so far
  std::int64_t cached_bytes = 0;  ///< bytes kept for reuse
  std::int64_t system_calls = 0;  ///< allocations that went to the system
  std::int64_t releases = 0;      ///< times that cached blocks were returned to the system
};

/// Keeps freed blocks by size and reuses them. Thread safe.
class BlockCache {
 public:
  /// `allocate(size)` asks the system for memory and returns null when there is none; `release(block)` frees
  /// it.
  BlockCache(const char* device, void* (*allocate)(std::size_t), void (*release)(void*))
      : device_(device), allocate_(allocate), release_(release) {}

  /// Size of the blocks that serve a request of `bytes`.
  static std::size_t size_class(std::size_t bytes);
  /// A block of a size class. Throws OutOfMemory when the system has no more memory.
  void* take(std::size_t size);
  void give(void* block, std::size_t size);
  void release_cached();
  MemoryStats stats();
  void reset_peak();

 private:
  void* take_cached(std::size_t size);

  const char* device_;
  void* (*allocate_)(std::size_t);
  void (*release_)(void*);
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  MemoryStats stats_;
};

/// At least `bytes` bytes, 64-byte aligned, not initialised (0xFF bytes in debug builds: unwritten floats are
/// NaN). The block returns to the cache when its last owner is destroyed. Throws OutOfMemory
/// (core/out_of_memory.h) when the system has no more memory.
std::shared_ptr<void> allocate_host(std::size_t bytes);

MemoryStats host_memory();
void reset_peak();           ///< peak_bytes = live_bytes
void release_cached_host();  ///< returns cached blocks to the system

}  // namespace salu
