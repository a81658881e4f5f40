// SPDX-License-Identifier: MIT
/// The pieces of the attention kernels: matrices in shared memory and their products.
///
/// A block has 16 x 16 threads. Thread (x, y) computes the elements (y + 16 i, x + 16 j) of every product, so
/// that a row belongs to the 16 threads of half a warp, and softmax over a row is a few shuffles. All of it
/// is f32 arithmetic on f32 copies: a product reads some 10 floats of shared memory for 25 multiply-adds.
#pragma once

#include <cmath>

#include "core/tensor.h"
#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {

inline constexpr int kSide = 16;
/// Row padding in shared memory, in floats: the row length is 16 bytes off a multiple of 128, so that packs
/// from eight rows lie in different banks.
inline constexpr int kRowPad = 4;

/// Tokens of one head in shared memory, as f32.
struct HeadTile {
  float* data;
  int width;  ///< columns: D/heads, padded with zeros to a multiple of two sides

  __device__ float* row(int r) const { return data + r * (width + kRowPad); }
};
constexpr int tile_width(int head) { return (head + 2 * kSide - 1) / (2 * kSide) * (2 * kSide); }

/// Tokens of one head in global memory, with rows `step` apart.
template <class T>
struct HeadRows {
  T* data;
  std::int64_t step;
  std::int64_t rows;  ///< number of rows
  int columns;        ///< D/heads
};

/// Sizes, and the offsets of a head: its q, k, v are columns of qkv. Block x of every kernel processes head x
/// of (batch, heads), block y a tile of its tokens if there are several.
struct Heads {
  std::int64_t heads, tokens, d;
  int head;  ///< D/heads

  Heads(const Tensor& qkv, const Tensor& log_sum)
      : heads(log_sum.dim(1)),
        tokens(qkv.dim(1)),
        d(qkv.dim(2) / 3),
        head(static_cast<int>(heads == 0 ? 0 : d / heads)) {}

  /// Tokens from `first` on: part 0 (q), 1 (k) or 2 (v) of a tensor like qkv.
  template <class T>
  __device__ HeadRows<T> part(T* qkv, int which, std::int64_t first) const {
    const std::int64_t b = blockIdx.x / heads, h = blockIdx.x % heads;
    return {qkv + (b * tokens + first) * 3 * d + which * d + h * head, 3 * d, tokens - first, head};
  }
  /// Tokens from `first` on of a tensor like y.
  template <class T>
  __device__ HeadRows<T> output(T* y, std::int64_t first) const {
    const std::int64_t b = blockIdx.x / heads, h = blockIdx.x % heads;
    return {y + (b * tokens + first) * d + h * head, d, tokens - first, head};
  }
};

/// Copies 16 Rows rows; zeros beyond the end of `from`.
template <int Rows, class T>
__device__ void load_tile(const HeadTile& tile, const HeadRows<T>& from) {
  for (int r = static_cast<int>(threadIdx.y); r < kSide * Rows; r += kSide) {
    for (int c = static_cast<int>(threadIdx.x); c < tile.width; c += kSide) {
      const bool inside = r < from.rows && c < from.columns;
      tile.row(r)[c] = inside ? static_cast<float>(from.data[r * from.step + c]) : 0.0f;
    }
  }
}

template <class T>
__device__ void store_element(const HeadRows<T>& to, int row, int column, float value) {
  if (row < to.rows && column < to.columns) to.data[row * to.step + column] = T(value);
}

__device__ inline Pack<float, 4> four_floats(const float* p) {
  return *reinterpret_cast<const Pack<float, 4>*>(p);
}

/// out = a b^T over the columns.
template <int Rows>
__device__ void score(float (&out)[Rows][Rows], const HeadTile& a, const HeadTile& b) {
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Rows; ++j) out[i][j] = 0;
  }
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  for (int k = 0; k < a.width; k += 4) {
    Pack<float, 4> right[Rows];
    for (int j = 0; j < Rows; ++j) right[j] = four_floats(b.row(x + kSide * j) + k);
    for (int i = 0; i < Rows; ++i) {
      const Pack<float, 4> left = four_floats(a.row(y + kSide * i) + k);
      for (int j = 0; j < Rows; ++j) {
        for (int u = 0; u < 4; ++u) out[i][j] += left.at[u] * right[j].at[u];
      }
    }
  }
}

/// A square matrix of tokens by tokens in shared memory.
template <int Rows>
struct ScoreTile {
  static constexpr int kTokens = kSide * Rows, kFloats = kTokens * (kTokens + kRowPad);
  float* data;

  __device__ float* row(int r) const { return data + r * (kTokens + kRowPad); }
  __device__ void store(const float (&m)[Rows][Rows]) const {
    const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < Rows; ++j) row(y + kSide * i)[x + kSide * j] = m[i][j];
    }
  }
  __device__ void store_transposed(const float (&m)[Rows][Rows]) const {
    const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < Rows; ++j) row(x + kSide * j)[y + kSide * i] = m[i][j];
    }
  }
};

/// Partition of a block's dynamic shared memory.
template <int Rows>
struct SharedTiles {
  float* next = dynamic_shared<float>();
  int width;

  __device__ explicit SharedTiles(int head) : width(tile_width(head)) {}
  __device__ HeadTile head_tile() {
    const HeadTile tile{next, width};
    next += kSide * Rows * (width + kRowPad);
    return tile;
  }
  __device__ ScoreTile<Rows> score_tile() {
    const ScoreTile<Rows> tile{next};
    next += ScoreTile<Rows>::kFloats;
    return tile;
  }
};

/// Calls take(i, column, value) with row y + 16 i of m b, two columns at a time, for any width.
template <int Rows, class Take>
__device__ void multiply(const ScoreTile<Rows>& m, const HeadTile& b, Take take) {
  const int y = static_cast<int>(threadIdx.y);
  for (int column = static_cast<int>(threadIdx.x); column < b.width; column += 2 * kSide) {
    float sum[Rows][2] = {};
    for (int k = 0; k < m.kTokens; k += 4) {
      float right[4][2];
      for (int u = 0; u < 4; ++u) {
        for (int c = 0; c < 2; ++c) right[u][c] = b.row(k + u)[column + kSide * c];
      }
      for (int i = 0; i < Rows; ++i) {
        const Pack<float, 4> left = four_floats(m.row(y + kSide * i) + k);
        for (int u = 0; u < 4; ++u) {
          for (int c = 0; c < 2; ++c) sum[i][c] += left.at[u] * right[u][c];
        }
      }
    }
    for (int i = 0; i < Rows; ++i) {
      for (int c = 0; c < 2; ++c) take(i, column + kSide * c, sum[i][c]);
    }
  }
}

/// Sum over the 16 threads of a row, with the same bits in each.
__device__ inline float row_total(float value) {
  for (int distance = kSide / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(kFullMask, value, distance);
  }
  return value;
}
__device__ inline float row_largest(float value) {
  for (int distance = kSide / 2; distance > 0; distance /= 2) {
    value = larger(value, __shfl_xor_sync(kFullMask, value, distance));
  }
  return value;
}

}  // namespace salu::cuda
