// SPDX-License-Identifier: MIT
/// The instruction sets for which the hot loops are compiled, and the best one of this processor.
#pragma once

namespace salu {

/// In rising order: each one includes those before it.
enum class InstructionSet { baseline, avx2, avx512, avx512_bf16, amx };

/// The best one that the processor and the system offer, at most the one that the environment variable
/// SALU_MAX_CPU_ISA names. Found once. Throws ErrorCode::usage for an unknown name.
InstructionSet best_instruction_set();

/// Its name: "avx512_bf16".
const char* instruction_set();

/// True when the processor multiplies matrices of bf16 (AMX). The first call asks the kernel for the tile
/// registers.
inline bool matrix_unit() { return best_instruction_set() == InstructionSet::amx; }

}  // namespace salu
