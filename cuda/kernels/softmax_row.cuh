// SPDX-License-Identifier: MIT
/// One row of softmax by one block; softmax and cross_entropy share it.
#pragma once

#include <algorithm>
#include <cmath>

#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

/// Blocks that walk over rows of n numbers: a thread per number, as whole warps, up to eight of them.
inline LaunchShape cover_rows(std::int64_t rows, std::int64_t n) {
  const std::int64_t warps = std::clamp<std::int64_t>((n + kWarp - 1) / kWarp, 1, 8);
  return {.blocks_x = n == 0 ? 0 : std::min(rows, grid_blocks(32)),
          .threads_x = static_cast<int>(warps) * kWarp};
}

/// Largest over the block, the same in every thread; all must take part.
__device__ inline float block_max(float value) {
  auto& partial = shared<float[kWarp], struct BlockMax>();
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  value = warp_max(value);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  value = warp_max(lane < warps ? partial[lane] : -INFINITY);
  __syncthreads();
  return value;
}

/// exp(x_i - largest) / sum is softmax; largest + ln(sum) is ln sum exp x.
struct RowSum {
  float largest, sum;
};

/// Reads the row twice; it is in the cache the second time, and nothing overflows.
template <class T>
__device__ RowSum row_sum(const T* x, std::int64_t n) {
  float largest = -INFINITY, sum = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x)
    largest = larger(largest, static_cast<float>(x[i]));
  largest = block_max(largest);
  for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x)
    sum += std::exp(static_cast<float>(x[i]) - largest);
  return {largest, block_sum(sum)};
}

}  // namespace salu::cuda
