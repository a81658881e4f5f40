// SPDX-License-Identifier: MIT
/// Sums in two stages and a fixed order: the same bits on every run, without atomics on floats.
#pragma once

#include <algorithm>

#include "core/tensor.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

inline constexpr int kSumThreads = 256;

/// finish(sum over i of f(i)). Every block writes its part, the last adds them in double.
template <class F, class Finish>
__global__ void total_kernel(std::int64_t n, float* parts, unsigned* ticket, F f, Finish finish) {
  float sum = 0;
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) sum += f(i);
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
  if (!last_block(ticket)) return;
  double all = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) all += static_cast<double>(parts[b]);
  all = block_sum(all);
  if (threadIdx.x == 0) finish(all);
}

/// `f(i)` may also write element i of an output. `finish(sum)` runs in one thread, even for n = 0.
template <class F, class Finish>
void total(std::int64_t n, F f, Finish finish) {
  const std::int64_t blocks =
      std::max<std::int64_t>(cover_at_most(grid_blocks(4), n, kSumThreads, 4).blocks_x, 1);
  Tensor parts = scratch(blocks, DType::f32);
  launch("total_kernel", total_kernel<F, Finish>, {.blocks_x = blocks, .threads_x = kSumThreads}, n,
         parts.data<float>(), ticket(), f, finish);
}

inline constexpr int kColumnTile = 32, kColumnRows = 8;

/// Column sums of a (rows, columns) matrix, `Sums` per column: parts (chunk, sum, column). A block takes 32
/// columns, so that a warp reads contiguous memory, and one chunk of rows.
template <int Sums, class F>
__global__ void column_parts_kernel(std::int64_t rows, std::int64_t columns, float* parts, F f) {
  auto& tile = shared<float[Sums][kColumnRows][kColumnTile], struct Tile>();
  const std::int64_t column = std::int64_t{blockIdx.x} * kColumnTile + threadIdx.x;
  const std::int64_t step = std::int64_t{gridDim.y} * kColumnRows;
  float sums[Sums] = {};
  if (column < columns) {
    for (std::int64_t row = std::int64_t{blockIdx.y} * kColumnRows + threadIdx.y; row < rows; row += step) {
      f(row, column, sums);
    }
  }
  for (int s = 0; s < Sums; ++s) tile[s][threadIdx.y][threadIdx.x] = sums[s];
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  for (int s = 0; s < Sums; ++s) {
    float sum = 0;
    for (int r = 0; r < kColumnRows; ++r) sum += tile[s][r][threadIdx.x];
    parts[(std::int64_t{blockIdx.y} * Sums + s) * columns + column] = sum;
  }
}

/// Calls finish(s, column, sum) for each sum.
template <class Finish>
__global__ void finish_columns_kernel(std::int64_t chunks, std::int64_t sums, std::int64_t columns,
                                      const float* parts, Finish finish) {
  const std::int64_t i = global_thread(), n = sums * columns;
  if (i >= n) return;
  double sum = 0;
  for (std::int64_t c = 0; c < chunks; ++c) sum += static_cast<double>(parts[c * n + i]);
  finish(i / columns, i % columns, sum);
}

/// `f(row, column, sums)` adds the terms of one element to `sums` and may write an output element; `finish(s,
/// column, sum)` receives the results.
template <int Sums, class F, class Finish>
void column_sums(std::int64_t rows, std::int64_t columns, F f, Finish finish) {
  const std::int64_t tiles = (columns + kColumnTile - 1) / kColumnTile;
  if (tiles == 0) return;
  const std::int64_t wanted = grid_blocks(8) / tiles + 1,
                     useful = (rows + 4 * kColumnRows - 1) / (4 * kColumnRows);
  const std::int64_t chunks = std::max<std::int64_t>(std::min(wanted, useful), 1);
  Tensor parts = scratch(chunks * Sums * columns, DType::f32);
  launch("column_parts_kernel", column_parts_kernel<Sums, F>,
         {.blocks_x = tiles, .blocks_y = chunks, .threads_x = kColumnTile, .threads_y = kColumnRows}, rows,
         columns, parts.data<float>(), f);
  launch("finish_columns_kernel", finish_columns_kernel<Finish>, cover(Sums * columns, 128), chunks, Sums,
         columns, parts.data<float>(), finish);
}

/// A `finish` of column_sums that adds to up to four gradients; null: not needed.
struct AddColumns {
  float* gradients[4];
  __device__ void operator()(std::int64_t s, std::int64_t column, double sum) const {
    float* g = gradients[s];
    if (g) g[column] = static_cast<float>(static_cast<double>(g[column]) + sum);
  }
};

/// An `f` of total: the elements of a tensor.
template <class T>
struct Elements {
  const T* x;
  __device__ float operator()(std::int64_t i) const { return x[i]; }
};

/// A `finish` of total that adds to one number; null: not needed.
struct AddTotal {
  float* gradient;
  __device__ void operator()(double sum) const {
    if (gradient) *gradient = static_cast<float>(static_cast<double>(*gradient) + sum);
  }
};

/// The data of a gradient; null when it is not needed.
inline float* gradient_data(Tensor* t) { return t ? t->data<float>() : nullptr; }

}  // namespace salu::cuda
