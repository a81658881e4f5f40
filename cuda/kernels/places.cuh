// SPDX-License-Identifier: MIT
/// Kernels that move numbers between samples laid out differently: every sample has `size` places, and the
/// grid has two axes, so that no thread divides to find its sample.
#pragma once

#include <algorithm>

#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {

/// Calls f(sample, place) for every place of every sample.
template <class F>
__global__ void each_place_kernel(std::int64_t samples, std::int64_t size, F f) {
  const std::int64_t sample_step = std::int64_t{gridDim.x} * blockDim.y,
                     place_step = std::int64_t{gridDim.y} * blockDim.x;
  for (std::int64_t s = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; s < samples; s += sample_step) {
    for (std::int64_t i = std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x; i < size; i += place_step) {
      f(s, i);
    }
  }
}

/// 256 threads per block, over one sample if it has that many places, else over several. Four places per
/// thread keep several loads in flight.
inline LaunchShape cover_places(std::int64_t samples, std::int64_t size) {
  if (samples == 0 || size == 0) return {.blocks_x = 0};
  int across = kWarp;
  while (across < 256 && across < size) across *= 2;
  const int down = 256 / across;
  constexpr std::int64_t kMostX = 0x7fffffff, kMostY = 0xffff;  // the limits of a grid
  return {.blocks_x = std::min((samples + down - 1) / down, kMostX),
          .blocks_y = std::min((size + 4 * across - 1) / (4 * across), kMostY),
          .threads_x = across,
          .threads_y = down};
}

template <class F>
void each_place(std::int64_t samples, std::int64_t size, F f) {
  launch("each_place_kernel", each_place_kernel<F>, cover_places(samples, size), samples, size, f);
}

}  // namespace salu::cuda
