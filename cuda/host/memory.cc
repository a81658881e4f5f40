// SPDX-License-Identifier: MIT
#include "cuda/host/memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "core/out_of_memory.h"
#include "cuda/host/host.h"
#include "cuda/host/machine.h"
#include "cuda/host/sanitizer.h"

namespace salu::cuda::host {
namespace {

constexpr std::size_t kBlockAlign = 256;
constexpr std::size_t kTail = 256;  ///< bytes of 0xFF after a block, poisoned in sanitized builds

/// The live blocks of one kind of memory, by address. Thread safe, because loader threads allocate pinned
/// memory.
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

/// Never destroyed: static objects may release memory after any of our destructors.
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
  if (posix_memalign(&block, kBlockAlign, bytes + kTail) != 0) return nullptr;
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

constexpr std::size_t kVariableAlign = 128, kGap = 512;
constexpr std::size_t kArena = 2 * kMaxShared;  ///< room for 200 variables with their gaps

struct Variable {
  const void* tag;  ///< null for dynamic memory and for the gap at the front
  char* memory;
  std::size_t bytes;
};

char* arena = nullptr;
std::size_t used = 0;  ///< bytes of the arena in use, gaps included
std::vector<Variable> variables;
std::size_t static_bytes = 0, dynamic_bytes = 0;
char* dynamic = nullptr;

/// The next `bytes` bytes of the arena, followed by a gap, all 0xFF; null when the arena is full.
char* carve(std::size_t bytes) {
  const std::size_t size = (bytes + kVariableAlign - 1) / kVariableAlign * kVariableAlign + kGap;
  if (used + size > kArena) return nullptr;
  char* memory = arena + used;
  used += size;
  unpoison(memory, size);
  std::memset(memory, 0xFF, size);
  poison(memory, size);
  unpoison(memory, bytes);
  return memory;
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
  if (kAddressSanitizer || !device().end_overwritten()) return;  // the sanitizer reports the write itself
  fail(ErrorCode::environment, "kernel {}: wrote beyond the end of a block of device memory", kernel);
}

void set_dynamic_shared(std::size_t bytes) { dynamic_bytes = bytes; }

void begin_block_memory() {
  // New memory has no history in the thread sanitizer, as blocks share no shared memory.
  if (arena && kThreadSanitizer) {
    std::free(arena);
    arena = nullptr;
  }
  if (!arena) arena = static_cast<char*>(std::aligned_alloc(kVariableAlign, kArena));
  if (!arena) fail(ErrorCode::environment, "cuda-host: no memory for the shared memory of a block");
  poison(arena, kArena);
  used = 0;
  static_bytes = 0;
  variables.clear();
  variables.push_back({nullptr, carve(0), 0});  // gap before the first variable
  dynamic = nullptr;
  if (dynamic_bytes > 0) {
    dynamic = carve(dynamic_bytes);
    variables.push_back({nullptr, dynamic, dynamic_bytes});
  }
}

void end_block_memory() {
  if (kAddressSanitizer) return;  // it reports the write itself
  for (const Variable& v : variables) {
    const char* gap = v.memory + v.bytes;
    if (std::all_of(gap, gap + kGap, [](char byte) { return byte == '\xFF'; })) continue;
    machine().error =
        fmt::format("kernel {}, block ({},{},{}): wrote beyond the ends of its shared variables",
                    machine().kernel, blockIdx.x, blockIdx.y, blockIdx.z);
    return;
  }
}

void* shared_variable(const void* tag, std::size_t bytes, const Location& where) {
  const Quiet quiet;
  for (const Variable& v : variables) {
    if (v.tag == tag) return v.memory;
  }
  static_bytes += bytes;
  if (static_bytes > kMaxStaticShared) {
    fail_in_kernel(where, fmt::format("{} bytes of static shared memory; expected at most {}. Use "
                                      "dynamic_shared",
                                      static_bytes, kMaxStaticShared));
  }
  if (static_bytes + dynamic_bytes > kMaxShared) {
    fail_in_kernel(where,
                   fmt::format("{} bytes of static and {} of dynamic shared memory; expected at most {} "
                               "together",
                               static_bytes, dynamic_bytes, kMaxShared));
  }
  char* memory = carve(bytes);
  if (!memory) fail_in_kernel(where, "too many shared variables for the shim; expected at most 200");
  variables.push_back({tag, memory, bytes});
  return memory;
}

void* dynamic_shared_memory() { return dynamic; }

}  // namespace salu::cuda::host
