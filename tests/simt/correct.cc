// SPDX-License-Identifier: MIT
#include <vector>

#include "cuda/kernel.cuh"
#include "cuda/runtime.h"
#include "tests/simt/kernels.h"

namespace salu::test {

using namespace cuda;

namespace {

template <int Tile>
__global__ void product_kernel(const float* a, const float* b, float* c, int m, int n, int k) {
  auto& as = shared<float[Tile][Tile + 1], struct A>();
  auto& bs = shared<float[Tile][Tile + 1], struct B>();
  const int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
  const int row = static_cast<int>(blockIdx.y) * Tile + ty, column = static_cast<int>(blockIdx.x) * Tile + tx;
  float sum = 0;
  for (int first = 0; first < k; first += Tile) {
    as[ty][tx] = row < m && first + tx < k ? a[row * k + first + tx] : 0;
    bs[ty][tx] = column < n && first + ty < k ? b[(first + ty) * n + column] : 0;
    __syncthreads();
    for (int i = 0; i < Tile; ++i) sum += as[ty][i] * bs[i][tx];
    __syncthreads();
  }
  if (row < m && column < n) c[row * n + column] = sum;
}

__global__ void two_stage_sum_kernel(const float* x, float* y, float* parts, unsigned* ticket, int n) {
  float sum = 0;
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) sum += x[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
  if (!last_block(ticket)) return;
  float all = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) all += parts[b];
  all = block_sum(all);
  if (threadIdx.x == 0) *y = all;
}

__global__ void histogram_kernel(const int* x, int* bins, float* y, int n) {
  const std::int64_t i = global_thread();
  if (i < n) atomicAdd(&bins[x[i]], 1);
  if (i < n) y[i] = static_cast<float>(x[i]);
}

__global__ void grid_stride_add_kernel(const float* a, const float* b, float* c, int n) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) c[i] = a[i] + b[i];
}

__global__ void reverse_kernel(const float* x, float* y) {
  float* tile = dynamic_shared<float>();
  tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

__global__ void warp_votes_kernel(const float* x, float* y) {
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned votes = __ballot_sync(kFullMask, x[threadIdx.x] > 0);
  const float neighbour = __shfl_up_sync(kFullMask, x[threadIdx.x], 1, 8);
  y[threadIdx.x] = static_cast<float>(__popc(votes)) + (lane % 8 > 0 ? neighbour : 0);
}

}  // namespace

const std::vector<GateKernel>& correct_kernels() {
  static const std::vector<GateKernel> kernels = {
      {"product",
       [](GateBuffers& d) {
         launch("product_kernel", product_kernel<16>,
                {.blocks_x = 2, .blocks_y = 2, .threads_x = 16, .threads_y = 16}, d.x, d.x, d.y, 31, 29, 41);
       }},
      {"two_stage_sum",
       [](GateBuffers& d) {
         launch("two_stage_sum_kernel", two_stage_sum_kernel, {.blocks_x = 5, .threads_x = 96}, d.x, d.y,
                d.y + 100, d.ticket, 1001);
       }},
      {"histogram",
       [](GateBuffers& d) {
         launch("histogram_kernel", histogram_kernel, {.blocks_x = 8, .threads_x = 128}, d.bins, d.histogram,
                d.y, 1000);
       }},
      {"grid_stride_add",
       [](GateBuffers& d) {
         launch("grid_stride_add_kernel", grid_stride_add_kernel, {.blocks_x = 3, .threads_x = 64}, d.x,
                d.x + 1, d.y, 1000);
       }},
      {"reverse",
       [](GateBuffers& d) {
         launch("reverse_kernel", reverse_kernel, {.threads_x = 200, .shared_bytes = 800}, d.x, d.y);
       }},
      {"warp_votes",
       [](GateBuffers& d) { launch("warp_votes_kernel", warp_votes_kernel, {.threads_x = 96}, d.x, d.y); }},
  };
  return kernels;
}

}  // namespace salu::test
