// SPDX-License-Identifier: MIT
/// What all implementations of core/gpu.h have in common: the cache of device memory.
#include "core/gpu.h"

namespace salu {
namespace {

/// Never destroyed: static tensors may be freed after any of our destructors.
BlockCache& cache() {
  static BlockCache* instance = new BlockCache("device", gpu::allocate_raw, gpu::release_raw);
  return *instance;
}

}  // namespace

std::shared_ptr<void> gpu::allocate(std::size_t bytes) {
  const std::size_t size = BlockCache::size_class(bytes);
  return std::shared_ptr<void>(cache().take(size), [size](void* block) { cache().give(block, size); });
}

MemoryStats memory_of(Device device) {
  return device.type == DeviceType::cpu ? host_memory() : cache().stats();
}

}  // namespace salu
