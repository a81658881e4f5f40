// SPDX-License-Identifier: MIT
/// Kernels without a mistake, each for a feature that a wrong shim would report or get wrong.
#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {
namespace {

__global__ void add_kernel(int n, float* y, const float* a, const float* b) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) y[i] = a[i] + b[i];
}

/// c (m,n) = a (m,k) b (k,n)
template <int Tile>
__global__ void matmul_kernel(float* c, const float* a, const float* b, int m, int n, int k) {
  auto& as = shared<float[Tile][Tile + 1], struct TileA>();
  auto& bs = shared<float[Tile][Tile + 1], struct TileB>();
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int row = static_cast<int>(blockIdx.y) * Tile + y, column = static_cast<int>(blockIdx.x) * Tile + x;
  float sum = 0;
  for (int first = 0; first < k; first += Tile) {
    as[y][x] = row < m && first + x < k ? a[row * k + first + x] : 0.0f;
    bs[y][x] = column < n && first + y < k ? b[(first + y) * n + column] : 0.0f;
    __syncthreads();
    for (int i = 0; i < Tile; ++i) sum += as[y][i] * bs[i][x];
    __syncthreads();
  }
  if (row < m && column < n) c[row * n + column] = sum;
}

/// One block per row: lanes, then warps.
__global__ void row_sum_kernel(int n, float* y, const float* x) {
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
    sum += x[static_cast<int>(blockIdx.x) * n + i];
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) y[blockIdx.x] = sum;
}

__global__ void histogram_kernel(int n, int* bins, const int* x) {
  const std::int64_t i = global_thread();
  if (i < n) atomicAdd(&bins[x[i]], 1);
}

/// The last block to arrive adds the parts of all blocks.
__global__ void total_kernel(int n, float* y, float* parts, unsigned* ticket, const float* x) {
  float sum = 0;
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) sum += x[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
  if (!last_block(ticket)) return;
  sum = block_sum(threadIdx.x < gridDim.x ? parts[threadIdx.x] : 0.0f);
  if (threadIdx.x == 0) *y = sum;
}

/// The halves of a warp go separate ways, with barriers of their own, and meet again.
__global__ void half_warps_kernel(float* y, const float* x) {
  auto& s = shared<float[kWarp], struct Values>();
  const unsigned lane = threadIdx.x;
  s[lane] = x[lane];
  if (lane < 16) {
    __syncwarp(0xffffu);
    const float neighbour = s[15 - lane];
    __syncwarp(0xffffu);
    s[lane] += neighbour;
  }
  __syncwarp();
  const float other = s[31 - lane];
  __syncwarp();
  if (lane >= 16) {
    __syncwarp(0xffff0000u);
    s[lane] = other;
    __syncwarp(0xffff0000u);
    y[lane] = s[47 - lane];
  } else {
    y[lane] = other;
  }
}

__device__ void add_to(float* sums, int i, float value) { sums[i] += value; }

/// Arrays on the stack, handed to functions, live across barriers, in more blocks than there are fibers.
__global__ void stack_arrays_kernel(float* y, const float* x) {
  float sums[4] = {};
  for (int round = 0; round < 4; ++round) {
    add_to(sums, static_cast<int>((threadIdx.x + round) % 4), x[global_thread()]);
    __syncthreads();
  }
  y[global_thread()] = sums[0] + sums[1] + sums[2] + sums[3];
}

/// Static and dynamic shared memory together; votes of the whole block.
__global__ void compact_kernel(int n, int* y, int* count, const int* x) {
  int* kept = dynamic_shared<int>();
  auto& size = shared<int, struct Size>();
  const int i = static_cast<int>(threadIdx.x);
  if (i == 0) size = 0;
  const bool wanted = i < n && x[i] % 3 == 0;
  const int all = __syncthreads_count(wanted);
  for (int turn = 0; turn < static_cast<int>(blockDim.x); ++turn) {
    if (turn == i && wanted) kept[size++] = x[i];
    __syncthreads();
  }
  if (i < size) y[i] = kept[i];
  if (i == 0) *count = size == all ? all : -1;
}

/// Packs of 16 bytes.
__global__ void scale_pack_kernel(int packs, float* y, const float* x) {
  const std::int64_t i = global_thread();
  if (i >= packs) return;
  auto pack = reinterpret_cast<const Pack<float, 4>*>(x)[i];
  for (float& value : pack.at) value *= 2;
  reinterpret_cast<Pack<float, 4>*>(y)[i] = pack;
}

}  // namespace
}  // namespace salu::cuda
