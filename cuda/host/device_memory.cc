// SPDX-License-Identifier: MIT
#include "cuda/host/device_memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "core/out_of_memory.h"
#include "cuda/host/host.h"
#include "cuda/host/machine.h"
#include "cuda/host/sanitizer.h"
#include "cuda/host/stream.h"

namespace salu::cuda::host {
namespace {

constexpr std::size_t kAlign = 256;
constexpr std::size_t kTail = 256;  ///< bytes of 0xFF behind a block, poisoned in sanitized builds

/// The live blocks of one kind of memory, by address. Thread safe: loader threads take pinned memory.
class Blocks {
 public:
  void* add(std::size_t bytes);
  void remove(const char* what, void* block);
  bool contains(const void* p, std::size_t bytes);
  void set_access(bool on);
  bool end_overwritten();
  std::size_t in_use();

 private:
  std::mutex mutex_;
  std::map<std::uintptr_t, std::size_t> bytes_;
  std::size_t in_use_ = 0;
};

/// Leaked on purpose: memory of static objects is released after any destructor of ours.
Blocks& device() {
  static Blocks* blocks = new Blocks;
  return *blocks;
}
Blocks& pinned() {
  static Blocks* blocks = new Blocks;
  return *blocks;
}

std::size_t memory_limit =
    static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
int accesses = 0;

void* Blocks::add(std::size_t bytes) {
  void* block = nullptr;
  if (posix_memalign(&block, kAlign, bytes + kTail) != 0) return nullptr;
  std::memset(block, 0xFF, bytes + kTail);
  poison(static_cast<char*>(block) + bytes, kTail);
  const std::lock_guard lock(mutex_);
  bytes_[reinterpret_cast<std::uintptr_t>(block)] = bytes;
  in_use_ += bytes;
  return block;
}

void Blocks::remove(const char* what, void* block) {
  const std::lock_guard lock(mutex_);
  const auto found = bytes_.find(reinterpret_cast<std::uintptr_t>(block));
  if (found == bytes_.end()) {
    fail(ErrorCode::environment, "cuda-host: {} {}: not the start of a live block; released twice?", what,
         block);
  }
  unpoison(block, found->second + kTail);
  in_use_ -= found->second;
  bytes_.erase(found);
  std::free(block);
}

bool Blocks::contains(const void* p, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  auto block = bytes_.upper_bound(address);
  if (block == bytes_.begin()) return false;
  --block;
  return address + bytes <= block->first + block->second;
}

void Blocks::set_access(bool on) {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, bytes] : bytes_) {
    on ? unpoison(reinterpret_cast<void*>(address), bytes) : poison(reinterpret_cast<void*>(address), bytes);
  }
}

bool Blocks::end_overwritten() {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, bytes] : bytes_) {
    auto* tail = reinterpret_cast<unsigned char*>(address + bytes);
    if (std::all_of(tail, tail + kTail, [](unsigned char byte) { return byte == 0xFF; })) continue;
    std::memset(tail, 0xFF, kTail);
    return true;
  }
  return false;
}

std::size_t Blocks::in_use() {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

void check_range(Blocks& blocks, const char* kind, const char* what, const void* p, std::size_t bytes) {
  if (bytes == 0 || blocks.contains(p, bytes)) return;
  fail(ErrorCode::environment, "cuda-host: {}: {} bytes at {} do not lie in one live block of {} memory",
       what, bytes, p, kind);
}

}  // namespace

void* allocate_device(std::size_t bytes) {
  if (bytes > memory_limit - std::min(memory_limit, device().in_use())) return nullptr;
  void* block = device().add(bytes);
  if (!block) return nullptr;
  ++machine().counters.allocations;
  if (accesses == 0) poison(block, bytes);
  return block;
}

void release_device(void* block) { device().remove("release of device memory", block); }

std::size_t device_bytes_limit() { return memory_limit; }
std::size_t device_bytes_in_use() { return device().in_use(); }
void set_memory_limit(std::size_t bytes) { memory_limit = bytes; }

bool in_device_memory(const void* p) { return device().contains(p, 0); }
void check_device_range(const char* what, const void* p, std::size_t bytes) {
  check_range(device(), "device", what, p, bytes);
}

void* allocate_host_pinned(std::size_t bytes) {
  void* block = pinned().add(bytes);
  if (!block) throw OutOfMemory(fmt::format("cuda-host: no pinned memory of {} bytes", bytes));
  return block;
}
void release_host_pinned(void* block) { pinned().remove("release of pinned memory", block); }
void check_pinned_range(const char* what, const void* p, std::size_t bytes) {
  check_range(pinned(), "pinned", what, p, bytes);
}

DeviceAccess::DeviceAccess() {
  if (accesses++ == 0) device().set_access(true);
}
DeviceAccess::~DeviceAccess() {
  if (--accesses == 0) device().set_access(false);
}

void check_block_ends(const char* kernel) {
  const Quiet quiet;
  if (kAddressSanitizer || !device().end_overwritten()) return;  // the sanitizer stops at the write itself
  fail(ErrorCode::environment, "kernel {}: wrote beyond the end of a block of device memory", kernel);
}

}  // namespace salu::cuda::host
