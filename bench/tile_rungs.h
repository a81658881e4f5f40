// SPDX-License-Identifier: MIT
/// The rungs of docs/tile-kernel.md that lead to the product of blocks: C (M,N) f32 = A (M,K) B (K,N) in
/// bf16, all sizes multiples of 32. Of a machine with AMX only, except for the first.
#pragma once

#include <cstdint>

#include "core/simd/tile_block.h"

namespace salu::bench {

struct Sizes {
  std::int64_t m, n, k;
};

/// A (M,K) and B (K,N) in rows.
void rung1_loops(float* c, const Bits* a, const Bits* b, Sizes s);

// From here on A is (M/32, K/32) blocks of Operand::a and B is (N/32, K/32) blocks of Operand::b.

/// A tile of C at a time, which every product reads from memory and writes back.
void rung2_tile(float* c, const Bits* a, const Bits* b, Sizes s);
/// A tile of C stays in its register for the whole sum.
void rung3_sums_stay(float* c, const Bits* a, const Bits* b, Sizes s);
/// Four tiles of C at a time: each tile of A and B is used twice.
void rung4_blocks(float* c, const Bits* a, const Bits* b, Sizes s);

}  // namespace salu::bench
