// SPDX-License-Identifier: MIT
#include "bench/tile_rungs.h"

#include "core/simd/tiles.h"

namespace salu::bench {
namespace {

using namespace SALU_ISA;

float wide(Bits v) {
  const std::uint32_t bits = std::uint32_t{v} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

/// Calls body(tile of C, its halves of the first blocks of A and B) for all tiles of C.
template <class Body>
void each_tile(float* c, const Bits* a, const Bits* b, Sizes s, Body&& body) {
  const TileScope scope;
  for (std::int64_t i = 0; i < s.m; i += 16) {
    for (std::int64_t j = 0; j < s.n; j += 16) {
      const std::int64_t a_at = i / 32 * s.k * 32 + i % 32 * 32, b_at = j / 32 * s.k * 32 + j % 32 * 32;
      body(c + i * s.n + j, a + a_at, b + b_at);
    }
  }
}

}  // namespace

void rung1_loops(float* c, const Bits* a, const Bits* b, Sizes s) {
  for (std::int64_t i = 0; i < s.m; ++i) {
    for (std::int64_t j = 0; j < s.n; ++j) {
      float sum = 0;
      for (std::int64_t k = 0; k < s.k; ++k) sum += wide(a[i * s.k + k]) * wide(b[k * s.n + j]);
      c[i * s.n + j] = sum;
    }
  }
}

void rung2_tile(float* c, const Bits* a, const Bits* b, Sizes s) {
  std::memset(c, 0, sizeof(float) * static_cast<std::size_t>(s.m * s.n));
  each_tile(c, a, b, s, [&](float* sums, const Bits* left, const Bits* right) {
    for (std::int64_t k = 0; k < s.k * 32; k += kBlock) {
      load_tile<0>(sums, s.n * 4);
      load_tile<4>(left + k, 64), load_tile<6>(right + k, 64);
      multiply_tiles<0, 4, 6>();
      store_tile<0>(sums, s.n * 4);
    }
  });
}

void rung3_sums_stay(float* c, const Bits* a, const Bits* b, Sizes s) {
  each_tile(c, a, b, s, [&](float* sums, const Bits* left, const Bits* right) {
    zero_tile<0>();
    for (std::int64_t k = 0; k < s.k * 32; k += kBlock) {
      load_tile<4>(left + k, 64), load_tile<6>(right + k, 64);
      multiply_tiles<0, 4, 6>();
    }
    store_tile<0>(sums, s.n * 4);
  });
}

void rung4_blocks(float* c, const Bits* a, const Bits* b, Sizes s) {
  const TileScope scope;
  for (std::int64_t j = 0; j < s.n; j += 32) {  // the blocks of B for 32 columns stay in the L1 cache
    for (std::int64_t i = 0; i < s.m; i += 32) {
      zero_sums();
      for (std::int64_t k = 0; k < s.k * 32; k += kBlock)
        multiply_blocks<true>(a + i * s.k + k, b + j * s.k + k);
      float* to = c + i * s.n + j;
      store_tile<0>(to, s.n * 4), store_tile<1>(to + 16, s.n * 4);
      store_tile<2>(to + 16 * s.n, s.n * 4), store_tile<3>(to + 16 * s.n + 16, s.n * 4);
    }
  }
}

}  // namespace salu::bench
