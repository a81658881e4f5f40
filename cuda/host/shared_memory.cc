// SPDX-License-Identifier: MIT
#include "cuda/host/shared_memory.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "cuda/host/machine.h"

namespace salu::cuda::host {
namespace {

constexpr std::size_t kAlign = 128, kGap = 128;
constexpr std::size_t kArenaBytes = 2 * kMostShared;  // room for the gaps

struct Arena {
  char* bytes = nullptr;
  std::size_t used = 0;
  std::size_t static_bytes = 0, dynamic_bytes = 0;
  void* dynamic = nullptr;
  std::vector<std::pair<const void*, void*>> objects;  // tag, address
};

Arena& arena() {
  static Arena* instance = new Arena;
  return *instance;
}

void* carve(std::size_t bytes) {
  Arena& a = arena();
  char* p = a.bytes + a.used;
  unpoison(p, bytes);
  a.used += (bytes + kAlign - 1) / kAlign * kAlign + kGap;
  return p;
}

}  // namespace

void set_dynamic_shared(std::size_t bytes) { arena().dynamic_bytes = bytes; }

void reset_shared_memory() {
  Arena& a = arena();
  if (kTsan || !a.bytes) {
    // ThreadSanitizer forgets who used freed memory: blocks share no shared memory.
    std::free(a.bytes);
    a.bytes = static_cast<char*>(std::aligned_alloc(kAlign, kArenaBytes));
  }
  unpoison(a.bytes, kArenaBytes);
  std::memset(a.bytes, 0xFF, kArenaBytes);
  poison(a.bytes, kArenaBytes);
  a.objects.clear();
  a.used = a.static_bytes = 0;
  a.dynamic = carve(a.dynamic_bytes);
}

void* shared_object(const void* tag, std::size_t bytes) {
  const Quiet quiet;
  Arena& a = arena();
  for (const auto& [known, address] : a.objects) {
    if (known == tag) return address;
  }
  a.static_bytes += bytes;
  if (a.static_bytes > kMostStatic || a.static_bytes + a.dynamic_bytes > kMostShared) {
    fail_in_kernel(
        fmt::format("{} bytes of static and {} of dynamic shared memory; expected at most {} and {} "
                    "together",
                    a.static_bytes, a.dynamic_bytes, kMostStatic, kMostShared),
        std::source_location::current());
  }
  a.objects.emplace_back(tag, carve(bytes));
  return a.objects.back().second;
}

void* dynamic_shared_bytes() { return arena().dynamic; }

}  // namespace salu::cuda::host
