// SPDX-License-Identifier: MIT
#include "cuda/host/shared_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "cuda/host/machine.h"
#include "cuda/host/sanitizer.h"
#include "cuda/host/simt.h"

namespace salu::cuda::host {
namespace {

constexpr std::size_t kAlign = 128, kGap = 512;
constexpr std::size_t kArena = 2 * kMaxShared;  ///< room for 200 variables with their gaps

struct Variable {
  const void* tag;  ///< null for the dynamic memory, and for the gap at the front
  char* memory;
  std::size_t bytes;
};

char* arena = nullptr;
std::size_t used = 0;  ///< of the arena, gaps included
std::vector<Variable> variables;
std::size_t static_bytes = 0, dynamic_bytes = 0;
char* dynamic = nullptr;

/// The next `bytes` bytes of the arena and the gap behind them, all 0xFF; null when the arena is full.
char* carve(std::size_t bytes) {
  const std::size_t size = (bytes + kAlign - 1) / kAlign * kAlign + kGap;
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

void set_dynamic_shared(std::size_t bytes) { dynamic_bytes = bytes; }

void begin_block_memory() {
  // New memory has no past in the eyes of the thread sanitizer: blocks share no shared memory.
  if (arena && kThreadSanitizer) {
    std::free(arena);
    arena = nullptr;
  }
  if (!arena) arena = static_cast<char*>(std::aligned_alloc(kAlign, kArena));
  if (!arena) fail(ErrorCode::environment, "cuda-host: no memory for the shared memory of a block");
  poison(arena, kArena);
  used = 0;
  static_bytes = 0;
  variables.clear();
  variables.push_back({nullptr, carve(0), 0});  // a gap in front of the first variable
  dynamic = nullptr;
  if (dynamic_bytes > 0) {
    dynamic = carve(dynamic_bytes);
    variables.push_back({nullptr, dynamic, dynamic_bytes});
  }
}

void end_block_memory() {
  if (kAddressSanitizer) return;  // it stops at the write itself
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
