// SPDX-License-Identifier: MIT
/// Tensor cores: a warp multiplies 16x16 pieces of bf16 matrices, with sums in f32.
///
/// The pieces are spread over the registers of the 32 lanes as `mma.m16n8k16` of the PTX manual wants them.
/// With g = lane / 4 and t = lane % 4, a lane holds
///   of a factor (16 lines x 16 k):  lines g and 8+g, at k = 2t, 2t+1 and 8+2t, 8+2t+1
///   of the sums (16 x 16):          rows g and 8+g, at columns 2t, 2t+1 and 8+2t, 8+2t+1
/// A "line" is a row of A or a column of B. Where there are no such instructions, on the host and on GPUs
/// before compute capability 8.0, the same layout is multiplied with shuffles.
#pragma once

#include <bit>

#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {

inline constexpr int kFragment = 16;

/// A lane's part of 16 lines x 16 k: two neighbours in k per register, the lower k in the lower half.
struct Fragment {
  unsigned pair[2][2];  ///< [upper lines][upper k]
};

/// A lane's part of 16x16 sums.
struct Accumulator {
  float at[2][2][2];  ///< [right columns][lower rows][neighbour]
};

/// Two neighbouring sums of an accumulator.
struct SumPair {
  int row, column;
  Pack<float, 2> sums;
};
__device__ inline SumPair sum_pair(const Accumulator& c, int right, int lower) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  return {8 * lower + lane / 4, 8 * right + 2 * (lane % 4), {c.at[right][lower][0], c.at[right][lower][1]}};
}

/// Reads a fragment from shared memory. Element (line, k) is tile[line * pitch + k], or with kAlongK = false
/// tile[k * pitch + line]. The tile is 16-byte aligned, pitch a multiple of 8.
template <bool kAlongK>
__device__ inline Fragment load_fragment(const bf16* tile, int pitch) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  Fragment f;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  // ldmatrix loads four 8x8 matrices: lanes 8i..8i+7 point at the rows of matrix i, which arrives in register
  // i. Here i = upper lines + 2 * upper k. `trans` transposes the matrices, for tiles with contiguous lines.
  const int lines = lane / 8 % 2 * 8, ks = lane / 16 * 8, row = lane % 8;
  const bf16* from = kAlongK ? tile + (lines + row) * pitch + ks : tile + (ks + row) * pitch + lines;
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(from));
  if constexpr (kAlongK) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(f.pair[0][0]), "=r"(f.pair[1][0]), "=r"(f.pair[0][1]), "=r"(f.pair[1][1])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(f.pair[0][0]), "=r"(f.pair[1][0]), "=r"(f.pair[0][1]), "=r"(f.pair[1][1])
                 : "r"(address)
                 : "memory");
  }
#else
  for (int upper_line = 0; upper_line < 2; ++upper_line) {
    for (int upper_k = 0; upper_k < 2; ++upper_k) {
      const int line = 8 * upper_line + lane / 4, k = 8 * upper_k + 2 * (lane % 4);
      const bf16* from = kAlongK ? tile + line * pitch + k : tile + k * pitch + line;
      f.pair[upper_line][upper_k] = from[0].bits | unsigned{from[kAlongK ? 1 : pitch].bits} << 16;
    }
  }
#endif
  return f;
}

/// The sum of the products of two pairs, added to `sum` in the order of k.
__device__ inline float add_products(float sum, unsigned a, unsigned b) {
  sum += std::bit_cast<float>(a << 16) * std::bit_cast<float>(b << 16);
  return sum + std::bit_cast<float>(a & 0xffff0000u) * std::bit_cast<float>(b & 0xffff0000u);
}

/// c += a b^T: the 16 lines of `a` are the rows of c, those of `b` its columns. All lanes must take part.
__device__ inline void multiply_add(Accumulator& c, const Fragment& a, const Fragment& b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  for (int right = 0; right < 2; ++right) {
    auto& out = c.at[right];
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(out[0][0]), "+f"(out[0][1]), "+f"(out[1][0]), "+f"(out[1][1])
        : "r"(a.pair[0][0]), "r"(a.pair[1][0]), "r"(a.pair[0][1]), "r"(a.pair[1][1]), "r"(b.pair[right][0]),
          "r"(b.pair[right][1]));
  }
#else
  const int lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4, t = lane % 4;
  for (int step = 0; step < 8; ++step) {  // two k at a time, held by lanes 4 line + step % 4
    const int upper_k = step / 4, holder = step % 4;
    const unsigned rows[2] = {__shfl_sync(kFullMask, a.pair[0][upper_k], 4 * g + holder),
                              __shfl_sync(kFullMask, a.pair[1][upper_k], 4 * g + holder)};
    for (int right = 0; right < 2; ++right) {
      for (int next = 0; next < 2; ++next) {
        const unsigned column = __shfl_sync(kFullMask, b.pair[right][upper_k], 4 * (2 * t + next) + holder);
        for (int lower = 0; lower < 2; ++lower) {
          c.at[right][lower][next] = add_products(c.at[right][lower][next], rows[lower], column);
        }
      }
    }
  }
#endif
}

}  // namespace salu::cuda
