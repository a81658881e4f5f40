// SPDX-License-Identifier: MIT
#include "core/simd/instruction_set.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "core/error.h"

namespace salu {
namespace {

constexpr const char* kNames[] = {"baseline", "avx2", "avx512", "avx512_bf16", "amx"};

/// The tile registers have 8 KiB, so Linux saves them only for processes that have asked.
bool may_use_tiles() {
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;  // CPUID leaf 7, EDX
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kBf16) && (d & kTile) &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

InstructionSet offered() {
  using enum InstructionSet;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return baseline;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) return avx2;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512bf16")) {
    return avx512;
  }
  return may_use_tiles() ? amx : avx512_bf16;
}

InstructionSet limit() {
  const char* name = std::getenv("SALU_MAX_CPU_ISA");
  if (!name || !*name) return InstructionSet::amx;
  const auto at = std::find(std::begin(kNames), std::end(kNames), std::string_view(name));
  if (at == std::end(kNames)) {
    fail(ErrorCode::usage,
         "SALU_MAX_CPU_ISA in the environment: '{}'; expected baseline, avx2, avx512, avx512_bf16 or amx",
         name);
  }
  return static_cast<InstructionSet>(at - std::begin(kNames));
}

}  // namespace

InstructionSet best_instruction_set() {
  static const InstructionSet best = std::min(limit(), offered());
  return best;
}

const char* instruction_set() { return kNames[static_cast<int>(best_instruction_set())]; }

}  // namespace salu
