// SPDX-License-Identifier: MIT
#include "cuda/host/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>

#include "core/error.h"
#include "cuda/host/sanitizer.h"

namespace salu::cuda::host {
namespace {

constexpr std::size_t kAlign = 256;

struct Blocks {
  std::map<std::uintptr_t, std::size_t> sizes;  // address -> bytes
  std::size_t allocations = 0;
  int access = 0;
};

Blocks& blocks() {
  static Blocks* instance = new Blocks;
  return *instance;
}

void* address_of(std::uintptr_t p) { return reinterpret_cast<void*>(p); }

void guard_all(bool open) {
  if constexpr (!kAsan) return;
  for (const auto& [p, bytes] : blocks().sizes) {
    open ? unpoison(address_of(p), bytes) : poison(address_of(p), bytes);
  }
}

}  // namespace

void* allocate_device(std::size_t bytes) {
  const std::size_t rounded = (bytes + kAlign) / kAlign * kAlign;  // at least one: every block has an address
  void* p = std::aligned_alloc(kAlign, rounded);
  if (!p) return nullptr;
  std::memset(p, 0xFF, rounded);
  poison(p, rounded);
  if (blocks().access > 0) unpoison(p, bytes);
  blocks().sizes[reinterpret_cast<std::uintptr_t>(p)] = bytes;
  ++blocks().allocations;
  return p;
}

void release_device(void* block) {
  const auto found = blocks().sizes.find(reinterpret_cast<std::uintptr_t>(block));
  if (found == blocks().sizes.end()) {
    fail(ErrorCode::environment, "free device memory: {} is no live block", fmt::ptr(block));
  }
  unpoison(block, (found->second + kAlign) / kAlign * kAlign);
  blocks().sizes.erase(found);
  std::free(block);
}

bool is_device_memory(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  auto next = blocks().sizes.upper_bound(address);
  if (next == blocks().sizes.begin()) return false;
  --next;
  // One past the end is the address of an empty view.
  return address <= next->first + next->second;
}

std::size_t allocation_count() { return blocks().allocations; }

DeviceAccess::DeviceAccess() {
  if (blocks().access++ == 0) guard_all(true);
}
DeviceAccess::~DeviceAccess() {
  if (--blocks().access == 0) guard_all(false);
}

}  // namespace salu::cuda::host
