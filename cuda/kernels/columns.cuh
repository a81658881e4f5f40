// SPDX-License-Identifier: MIT
/// Work down the columns of (rows, columns) matrices, for ops with coefficients or sums per channel.
///
/// A thread owns Width neighbouring columns of one chunk of rows: it keeps their coefficients in registers
/// and sums without talking to its neighbours. Then the block adds its threads (sum_over_rows), and the last
/// block adds the chunks (sum_over_chunks), both in a fixed order.
#pragma once

#include <algorithm>

#include "cuda/kernels/pack.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

/// Two blocks per multiprocessor: 16 KB in flight per load, which should hide memory latency, and 64
/// registers per thread. Not measured.
inline constexpr int kColumnThreads = 512, kColumnBlocks = 2;

/// `samples` contiguous matrices of (rows, columns).
struct ColumnGrid {
  std::int64_t samples, rows, columns;
  std::int64_t chunks;      // per sample
  std::int64_t chunk_rows;  // the last chunk may have fewer
  int lanes;                // threads side by side, a power of two

  /// Rows of chunk `i` of a sample.
  __device__ std::int64_t rows_of_chunk(std::int64_t i) const {
    const std::int64_t left = rows - i * chunk_rows;
    return left < chunk_rows ? left : chunk_rows;
  }
};

/// About `per_multiprocessor` blocks per multiprocessor if there is enough work; 0: one chunk per sample.
template <int Width>
ColumnGrid column_grid(std::int64_t samples, std::int64_t rows, std::int64_t columns,
                       int per_multiprocessor) {
  // 8 packs are a cache line of 128 bytes; wider tiles leave more parts to add. Not measured.
  constexpr int kMostLanes = Width == 1 ? kWarp : 8;
  constexpr std::int64_t kRowsPerThread = 4;  // with fewer rows a block mostly starts and ends
  int lanes = 1;
  while (lanes < kMostLanes && lanes * Width < columns) lanes *= 2;
  const std::int64_t tiles = (columns + lanes * Width - 1) / (lanes * Width);
  const std::int64_t wanted = grid_blocks(per_multiprocessor) / std::max<std::int64_t>(samples * tiles, 1);
  const std::int64_t useful = rows / (kRowsPerThread * kColumnThreads / lanes);
  const std::int64_t chunks = std::max<std::int64_t>(std::min(wanted, useful), 1);
  const std::int64_t chunk_rows = std::max<std::int64_t>((rows + chunks - 1) / chunks, 1);
  return {samples, rows, columns, (rows + chunk_rows - 1) / chunk_rows, chunk_rows, lanes};
}

/// Block x is a chunk of a sample, block y a tile of columns.
template <int Width>
LaunchShape column_shape(const ColumnGrid& grid) {
  const std::int64_t tile = grid.lanes * Width;
  return {.blocks_x = grid.samples * grid.chunks,
          .blocks_y = (grid.columns + tile - 1) / tile,
          .threads_x = kColumnThreads};
}

/// One thread's share: `for (i = first; i < end; i += step)` visits the offsets of its packs.
template <int Width>
struct ColumnThread {
  std::int64_t sample, column;
  std::int64_t first, end, step;
  std::int64_t block_rows;
  bool active;  // false beyond the last column
  bool writes;  // true for the first thread of its columns in the block

  __device__ explicit ColumnThread(const ColumnGrid& grid) {
    const int lane = static_cast<int>(threadIdx.x) % grid.lanes,
              row = static_cast<int>(threadIdx.x) / grid.lanes;
    const std::int64_t chunk = blockIdx.x % grid.chunks;
    sample = blockIdx.x / grid.chunks;
    column = (std::int64_t{blockIdx.y} * grid.lanes + lane) * Width;
    active = column < grid.columns;
    writes = active && row == 0;
    block_rows = grid.rows_of_chunk(chunk);
    const std::int64_t begin = sample * grid.rows + chunk * grid.chunk_rows;
    first = (begin + row) * grid.columns + column;
    end = active ? (begin + block_rows) * grid.columns : first;
    step = kColumnThreads / grid.lanes * grid.columns;
  }

  /// Number of packs.
  __device__ std::int64_t count() const { return first < end ? (end - first + step - 1) / step : 0; }

  /// The coefficients of its columns; 0 for a null pointer and for inactive threads.
  __device__ Pack<float, Width> coefficients(const float* p) const {
    Pack<float, Width> to;
    for (int w = 0; w < Width; ++w) to.at[w] = p && active ? p[column + w] : 0.0f;
    return to;
  }
};

/// Sums over the threads with the same threadIdx.x % lanes, with the same bits in each. All threads of the
/// block must take part.
template <class T, int N>
__device__ void sum_over_rows(T (&values)[N], int lanes) {
  auto& all = shared<T[N][kColumnThreads], struct SumOverRows>();
  const int t = static_cast<int>(threadIdx.x);
  for (int n = 0; n < N; ++n) all[n][t] = values[n];
  for (int half = kColumnThreads / 2; half >= lanes; half /= 2) {
    __syncthreads();
    if (t >= half) continue;
    for (int n = 0; n < N; ++n) all[n][t] += all[n][t + half];
  }
  __syncthreads();
  for (int n = 0; n < N; ++n) values[n] = all[n][t % lanes];
  __syncthreads();
}

/// Writes a block's column sums to the parts (sample and chunk, sum, column).
template <int Width, int Sums, class T>
__device__ void write_parts(const ColumnGrid& grid, const ColumnThread<Width>& at, T* parts,
                            const T (&sums)[Sums][Width]) {
  if (!at.writes) return;
  for (int s = 0; s < Sums; ++s) {
    for (int w = 0; w < Width; ++w) {
      parts[(std::int64_t{blockIdx.x} * Sums + s) * grid.columns + at.column + w] = sums[s][w];
    }
  }
}

/// For one block: calls `body(column, lanes)` for tiles with as many columns as the block has threads.
/// Columns beyond the last are included, because all threads must take part in sum_over_chunks.
template <class Body>
__device__ void each_column(const ColumnGrid& grid, Body body) {
  int lanes = 1;
  while (lanes < kColumnThreads && lanes < grid.columns) lanes *= 2;
  for (std::int64_t tile = 0; tile < grid.columns; tile += lanes) {
    body(tile + static_cast<int>(threadIdx.x) % lanes, lanes);
  }
}

/// Sums over the chunks with `add(chunk, sums)`, giving the result to all threads of the column. True in the
/// one thread per column that writes it.
template <int N, class Add>
__device__ bool sum_over_chunks(const ColumnGrid& grid, std::int64_t column, int lanes, double (&sums)[N],
                                Add add) {
  const int row = static_cast<int>(threadIdx.x) / lanes;
  if (column < grid.columns) {
    for (std::int64_t c = row; c < grid.chunks; c += kColumnThreads / lanes) add(c, sums);
  }
  sum_over_rows(sums, lanes);
  return row == 0 && column < grid.columns;
}

}  // namespace salu::cuda
