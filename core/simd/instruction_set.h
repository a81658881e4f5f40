// SPDX-License-Identifier: MIT
/// The instruction sets for which the hot loops are compiled, and the best one of this CPU.
#pragma once

namespace salu {

enum class InstructionSet { baseline, avx2, avx512 };

inline InstructionSet best_instruction_set() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return InstructionSet::avx512;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return avx2 ? InstructionSet::avx2 : InstructionSet::baseline;
}

/// "avx512", "avx2" or "baseline".
inline const char* instruction_set() {
  constexpr const char* kNames[] = {"baseline", "avx2", "avx512"};
  return kNames[static_cast<int>(best_instruction_set())];
}

}  // namespace salu
