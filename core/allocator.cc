// SPDX-License-Identifier: MIT
#include "core/allocator.h"

#include <bit>
#include <cstdlib>
#include <cstring>

#include "core/out_of_memory.h"

namespace salu {
namespace {

#ifndef NDEBUG
constexpr std::size_t kCanaryBytes = kAlignment;
constexpr unsigned char kCanary = 0xA5;
#else
constexpr std::size_t kCanaryBytes = 0;
#endif

void* allocate_system(std::size_t size) { return std::aligned_alloc(kAlignment, size + kCanaryBytes); }

/// Never destroyed: static tensors may be freed after any of our destructors.
BlockCache& cache() {
  static BlockCache* instance = new BlockCache("host", allocate_system, std::free);
  return *instance;
}

}  // namespace

/// Eight size classes per power of two: at most 12.5 % of a block is padding.
std::size_t BlockCache::size_class(std::size_t bytes) {
  if (bytes <= 512) return (bytes + kAlignment - 1) / kAlignment * kAlignment + (bytes == 0 ? kAlignment : 0);
  const std::size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

void* BlockCache::take_cached(std::size_t size) {
  std::scoped_lock lock(mutex_);
  auto& list = free_[size];
  if (list.empty()) {
    stats_.system_calls += 1;
    return nullptr;
  }
  void* block = list.back();
  list.pop_back();
  stats_.cached_bytes -= static_cast<std::int64_t>(size);
  return block;
}

void* BlockCache::take(std::size_t size) {
  void* block = take_cached(size);
  if (!block) block = allocate_(size);
  if (!block) {
    release_cached();  // cached blocks of other sizes may hold the memory
    block = allocate_(size);
  }
  if (!block) {
    throw OutOfMemory(fmt::format("out of {} memory: {} bytes asked, {} bytes in use. Use a smaller batch",
                                  device_, size, stats().live_bytes));
  }
  std::scoped_lock lock(mutex_);
  stats_.live_blocks += 1;
  stats_.live_bytes += static_cast<std::int64_t>(size);
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.live_bytes);
  return block;
}

void BlockCache::give(void* block, std::size_t size) {
  std::scoped_lock lock(mutex_);
  stats_.live_blocks -= 1;
  stats_.live_bytes -= static_cast<std::int64_t>(size);
  stats_.cached_bytes += static_cast<std::int64_t>(size);
  free_[size].push_back(block);
}

void BlockCache::release_cached() {
  std::scoped_lock lock(mutex_);
  for (auto& [size, list] : free_) {
    for (void* block : list) release_(block);
  }
  free_.clear();
  stats_.cached_bytes = 0;
  stats_.releases += 1;
}

MemoryStats BlockCache::stats() {
  std::scoped_lock lock(mutex_);
  return stats_;
}

void BlockCache::reset_peak() {
  std::scoped_lock lock(mutex_);
  stats_.peak_bytes = stats_.live_bytes;
}

std::shared_ptr<void> allocate_host(std::size_t bytes) {
  const std::size_t size = BlockCache::size_class(bytes);
  void* p = cache().take(size);
#ifndef NDEBUG
  std::memset(p, 0xFF, size);
  std::memset(static_cast<char*>(p) + size, kCanary, kCanaryBytes);
#endif
  return std::shared_ptr<void>(p, [size](void* block) {
#ifndef NDEBUG
    const auto* guard = static_cast<const unsigned char*>(block) + size;
    for (std::size_t i = 0; i < kCanaryBytes; ++i) {
      if (guard[i] != kCanary) {
        std::fputs("salunet: a kernel wrote past the end of a tensor\n", stderr);
        std::abort();
      }
    }
#endif
    cache().give(block, size);
  });
}

MemoryStats host_memory() { return cache().stats(); }
void reset_peak() { cache().reset_peak(); }
void release_cached_host() { cache().release_cached(); }

}  // namespace salu
