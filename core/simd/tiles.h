// SPDX-License-Identifier: MIT
/// The matrix unit of a processor with AMX: eight tile registers of 16 rows of 64 bytes, and one instruction
/// that multiplies two of them. Compiled twice, each time in another namespace SALU_ISA (core/meson.build):
/// as these instructions, and as their software twin, plain loops with the same bits for every other machine.
///
/// docs/tile-kernel.md explains the product of blocks below.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#include "core/simd/tile_block.h"

namespace salu::SALU_ISA {
namespace {

#if defined(__AMX_BF16__)

/// While alive, this thread's tiles have 16 rows of 64 bytes: 16x32 bf16 or 16x16 f32.
class TileScope {
 public:
  TileScope() {
    alignas(64) struct {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    } shape;
    for (int i = 0; i < 8; ++i) shape.row_bytes[i] = 64, shape.rows[i] = 16;
    asm volatile("ldtilecfg %0" : : "m"(shape));
  }
  /// Used tiles make every switch of threads 8 KiB slower, and keep the core from sleeping deeply.
  ~TileScope() { asm volatile("tilerelease"); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

// g++ 12's own intrinsics do not say that a tile load reads memory, so a store before it may come too late.
// They also take the number of a tile only as text.

template <int tile>
void zero_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(tile));
}
/// 16 rows of 64 bytes, `stride` bytes apart.
template <int tile>
void load_tile(const void* from, long stride) {
  asm volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(tile), "r"(from), "r"(stride) : "memory");
}
/// The same for data that should push nothing out of the L1 cache.
template <int tile>
void stream_tile(const void* from, long stride) {
  asm volatile("tileloaddt1 (%1,%2,1), %%tmm%c0" : : "i"(tile), "r"(from), "r"(stride) : "memory");
}
template <int tile>
void store_tile(void* to, long stride) {
  asm volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(tile), "r"(to), "r"(stride) : "memory");
}
/// c (16,16) += a (16,32) b (32,16), where a row of tile b holds two rows of the matrix in pairs.
template <int c, int a, int b>
void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(c), "i"(a), "i"(b));
}

#else

alignas(64) thread_local unsigned char tiles[8][16][64];

struct TileScope {
  TileScope() { std::memset(tiles, 0, sizeof tiles); }
  ~TileScope() { std::memset(tiles, 0xff, sizeof tiles); }  // NaN: a use outside of a scope shows
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

template <int tile>
void zero_tile() {
  std::memset(tiles[tile], 0, sizeof tiles[tile]);
}
template <int tile>
void load_tile(const void* from, long stride) {
  for (int i = 0; i < 16; ++i) std::memcpy(tiles[tile][i], static_cast<const char*>(from) + i * stride, 64);
}
template <int tile>
void stream_tile(const void* from, long stride) {
  load_tile<tile>(from, stride);
}
template <int tile>
void store_tile(void* to, long stride) {
  for (int i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(to) + i * stride, tiles[tile][i], 64);
}

/// The unit knows no denormal numbers.
float flushed(float v) { return __builtin_fabsf(v) < 0x1p-126f ? __builtin_copysignf(0, v) : v; }
float widened(Bits v) {
  const std::uint32_t bits = std::uint32_t{v} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return flushed(f);
}

/// TDPBF16PS as Intel documents it: the even and the odd numbers of the pairs have a sum each, which starts
/// at zero, grows by one rounded multiply-add per pair, and is then added to the other and to c.
template <int tile_c, int tile_a, int tile_b>
void multiply_tiles() {
  Bits a[16][32], b[16][32];
  float c[16][16];
  std::memcpy(a, tiles[tile_a], sizeof a), std::memcpy(b, tiles[tile_b], sizeof b);
  std::memcpy(c, tiles[tile_c], sizeof c);
  float wide[16][32];
  for (int k = 0; k < 16; ++k) {
    for (int n = 0; n < 32; ++n) wide[k][n] = widened(b[k][n]);
  }
  for (int m = 0; m < 16; ++m) {
    float sums[32] = {};
    for (int k = 0; k < 16; ++k) {
      const float even = widened(a[m][2 * k]), odd = widened(a[m][2 * k + 1]);
      for (int n = 0; n < 32; n += 2) {
        sums[n] = flushed(sums[n] + even * wide[k][n]);
        sums[n + 1] = flushed(sums[n + 1] + odd * wide[k][n + 1]);
      }
    }
    for (int n = 0; n < 16; ++n) {
      c[m][n] = flushed(flushed(c[m][n]) + flushed(sums[2 * n] + sums[2 * n + 1]));
    }
  }
  std::memcpy(tiles[tile_c], c, sizeof c);
}

#endif

/// The first `count` of 32 f32 as bf16, to nearest, ties to even; denormal numbers become zero.
inline void round_row(Bits* to, const float* from, int count) {
#if defined(__AVX512BF16__)
  const __m512bh row = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + 16), _mm512_loadu_ps(from));
  __m512i numbers;
  std::memcpy(&numbers, &row, sizeof row);
  _mm512_mask_storeu_epi16(to, static_cast<__mmask32>((1ull << count) - 1), numbers);
#else
  for (int i = 0; i < count; ++i) {
    std::uint32_t u;
    std::memcpy(&u, from + i, sizeof u);
    const std::uint32_t magnitude = u & 0x7fffffffu;
    to[i] = static_cast<Bits>(magnitude > 0x7f800000u   ? u >> 16 | 0x40u  // NaN
                              : magnitude < 0x00800000u ? u >> 16 & 0x8000u
                                                        : (u + 0x7fffu + (u >> 16 & 1u)) >> 16);
  }
#endif
}

// The sums of a block C (32,32) f32 are tiles 0 to 3: upper left, upper right, lower left, lower right.

inline void zero_sums() { zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>(); }
/// Every row of C = `row`: 32 numbers, which a stride of 0 reads 16 times.
inline void start_sums(const float* row) {
  load_tile<0>(row, 0), load_tile<1>(row + 16, 0), load_tile<2>(row, 0), load_tile<3>(row + 16, 0);
}
inline void load_sums(const float* c) {
  load_tile<0>(c, 128), load_tile<1>(c + 16, 128), load_tile<2>(c + 512, 128), load_tile<3>(c + 528, 128);
}
inline void store_sums(float* c) {
  store_tile<0>(c, 128), store_tile<1>(c + 16, 128), store_tile<2>(c + 512, 128), store_tile<3>(c + 528, 128);
}

/// C (32,32) += A (32,32) B (32,32), blocks as Operand describes them. Four products for four loads: each
/// tile is used twice. `stays`: B is worth keeping in the L1 cache.
template <bool stays>
void multiply_blocks(const Bits* a, const Bits* b) {
  stream_tile<4>(a, 64);
  if constexpr (stays) {
    load_tile<6>(b, 64), load_tile<7>(b + kBlock / 2, 64);
  } else {
    stream_tile<6>(b, 64), stream_tile<7>(b + kBlock / 2, 64);
  }
  stream_tile<5>(a + kBlock / 2, 64);
  multiply_tiles<0, 4, 6>();
  multiply_tiles<1, 4, 7>();
  multiply_tiles<2, 5, 6>();
  multiply_tiles<3, 5, 7>();
}

}  // namespace
}  // namespace salu::SALU_ISA
