// SPDX-License-Identifier: MIT
/// Kernels with one mistake each: the comment names it. Nobody should learn from their code.
#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {
namespace {

// --- order within a block ---

/// No barrier between the write and the read of shared memory.
__global__ void unordered_read_kernel(float* y, const float* x) {
  auto& s = shared<float[64], struct Values>();
  s[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = s[63 - threadIdx.x];
}

/// No barrier before the tile is overwritten.
template <int Tile>
__global__ void overwritten_tile_kernel(float* c, const float* a, const float* b, int n, int k) {
  auto& as = shared<float[Tile][Tile + 1], struct TileA>();
  auto& bs = shared<float[Tile][Tile + 1], struct TileB>();
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int row = static_cast<int>(blockIdx.y) * Tile + y, column = static_cast<int>(blockIdx.x) * Tile + x;
  float sum = 0;
  for (int first = 0; first < k; first += Tile) {
    as[y][x] = a[row * k + first + x];
    bs[y][x] = b[(first + y) * n + column];
    __syncthreads();
    for (int i = 0; i < Tile; ++i) sum += as[y][i] * bs[i][x];
  }
  c[row * n + column] = sum;
}

/// The warps reuse the memory of their parts before all have read it.
__global__ void reused_parts_kernel(float* y, const float* x) {
  auto& part = shared<float[2], struct Parts>();
  for (int round = 0; round < 2; ++round) {
    const float sum = warp_sum(x[64 * round + threadIdx.x]);
    if (threadIdx.x % kWarp == 0) part[threadIdx.x / kWarp] = sum;
    __syncthreads();
    y[64 * round + threadIdx.x] = part[0] + part[1];
  }
}

/// All threads count in one shared variable without an atomic.
__global__ void shared_count_kernel(float* y) {
  auto& count = shared<int, struct Count>();
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  count += 1;
  __syncthreads();
  y[threadIdx.x] = static_cast<float>(count);
}

/// All threads write one shared variable.
__global__ void shared_write_kernel(float* y) {
  auto& value = shared<float, struct Value>();
  value = static_cast<float>(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = value;
}

/// Two arrays of one type and one tag are one array.
__global__ void same_tag_kernel(float* y, const float* x) {
  struct Staged;
  auto& a = shared<float[64], Staged>();
  auto& b = shared<float[64], Staged>();
  a[threadIdx.x] = x[threadIdx.x];
  b[63 - threadIdx.x] = 2 * x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = a[threadIdx.x] + b[threadIdx.x];
}

/// Relies on the lanes of a warp moving in lockstep.
__global__ void lockstep_kernel(float* y, const float* x) {
  auto& s = shared<float[kWarp], struct Values>();
  s[threadIdx.x] = x[threadIdx.x];
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2) {
    if (threadIdx.x < distance) s[threadIdx.x] += s[threadIdx.x + distance];
  }
  if (threadIdx.x == 0) y[0] = s[0];
}

/// A warp barrier where the data crosses warps.
__global__ void warp_barrier_kernel(float* y, const float* x) {
  auto& s = shared<float[64], struct Values>();
  s[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  y[threadIdx.x] = s[63 - threadIdx.x];
}

/// A shuffle where a barrier is needed: shuffles do not order memory.
__global__ void shuffle_as_barrier_kernel(float* y, const float* x) {
  auto& s = shared<float[kWarp], struct Values>();
  s[threadIdx.x] = x[threadIdx.x];
  const float zero = __shfl_sync(kFullMask, 0.0f, 0);
  y[threadIdx.x] = s[kWarp - 1 - threadIdx.x] + zero;
}

// --- barriers and collectives that not all reach ---

/// The two parts of the block wait at different barriers.
__global__ void two_barriers_kernel(float* y, int n) {
  if (static_cast<int>(threadIdx.x) < n) {
    y[threadIdx.x] = 1;
    __syncthreads();
  } else {
    y[threadIdx.x] = 2;
    __syncthreads();
  }
}

/// Some threads leave before the barrier.
__global__ void early_exit_kernel(float* y, int n) {
  if (static_cast<int>(threadIdx.x) >= n) return;
  y[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] += 1;
}

/// The threads go round a loop with a barrier a different number of times.
__global__ void uneven_loop_kernel(float* y) {
  for (unsigned i = 0; i < threadIdx.x % 3 + 1; ++i) {
    y[threadIdx.x] = static_cast<float>(i);
    __syncthreads();
  }
}

/// A barrier that only half a warp reaches; the other half is in a shuffle for all.
__global__ void barrier_and_shuffle_kernel(float* y, const float* x) {
  float value = x[threadIdx.x];
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    value = __shfl_xor_sync(kFullMask, value, 1);
  }
  y[threadIdx.x] = value;
}

/// A shuffle of the whole warp in a branch that half of it takes.
__global__ void shuffle_in_branch_kernel(float* y, const float* x) {
  float value = x[threadIdx.x];
  if (threadIdx.x < 16) value += __shfl_down_sync(kFullMask, value, 8);
  y[threadIdx.x] = value;
}

/// A shuffle reads a lane that its mask leaves out.
__global__ void shuffle_left_out_kernel(float* y, const float* x) {
  float value = x[threadIdx.x];
  if (threadIdx.x < 16) value = __shfl_sync(0xffffu, value, 20);
  y[threadIdx.x] = value;
}

/// Lanes outside the mask make the call too.
__global__ void vote_outside_mask_kernel(float* y) {
  y[threadIdx.x] = static_cast<float>(__popc(__ballot_sync(0xffffu, 1)));
}

/// Every lane has a mask of its own.
__global__ void different_masks_kernel(float* y, const float* x) {
  const unsigned mask = threadIdx.x % 2 == 0 ? kFullMask : kFullMask - 1;
  y[threadIdx.x] = __shfl_down_sync(mask, x[threadIdx.x], 1);
}

/// A width that is no power of two.
__global__ void odd_width_kernel(float* y, const float* x) {
  y[threadIdx.x] = __shfl_down_sync(kFullMask, x[threadIdx.x], 1, 24);
}

/// A sum over 32 lanes with shuffles of width 16.
__global__ void narrow_width_kernel(float* y, const float* x) {
  float sum = x[threadIdx.x];
  for (unsigned distance = 16; distance > 0; distance /= 2)
    sum += __shfl_down_sync(kFullMask, sum, distance, 16);
  if (threadIdx.x == 0) y[0] = sum;
}

/// The two halves of the warp are at different shuffles, though on one line.
__global__ void different_shuffles_kernel(float* y, const float* x) {
  const float v = x[threadIdx.x];
  y[threadIdx.x] = threadIdx.x % 2 == 0 ? __shfl_xor_sync(kFullMask, v, 1) : __shfl_xor_sync(kFullMask, v, 2);
}

/// A block of a warp and a half, whose sums need whole warps.
__global__ void half_warp_kernel(float* y, const float* x) { y[threadIdx.x] = warp_sum(x[threadIdx.x]); }

// --- order between blocks ---

/// Blocks add to the same elements without atomics.
__global__ void block_race_kernel(float* y, const float* x) { y[threadIdx.x] += x[global_thread()]; }

/// As above, by one thread of each block and after barriers, which order nothing between blocks.
__global__ void block_race_after_barrier_kernel(float* y, const float* x) {
  const float sum = block_sum(x[global_thread()]);
  if (threadIdx.x == 0) y[0] += sum;
}

/// Counts without atomicAdd.
__global__ void plain_histogram_kernel(int n, int* bins, const int* x) {
  const std::int64_t i = global_thread();
  if (i < n) bins[x[i]] += 1;
}

/// Reads what the block before it writes in the same launch.
__global__ void reads_other_block_kernel(float* y) {
  const unsigned before = blockIdx.x == 0 ? 0 : blockIdx.x - 1;
  const float previous = blockIdx.x == 0 ? 0.0f : y[before];
  if (threadIdx.x == 0) y[blockIdx.x] = previous + 1;
}

/// The last block adds the parts of all, which no fence puts before the tickets.
__global__ void unfenced_total_kernel(float* y, float* parts, unsigned* ticket, const float* x) {
  auto& last = shared<bool, struct Last>();
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = x[blockIdx.x];
    last = atomicAdd(ticket, 1u) + 1 == gridDim.x;
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  float sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) sum += parts[b];
  *y = sum;
}

/// Floats added by atomics: the sum depends on the order of the blocks.
__global__ void float_atomics_kernel(float* y) {
  if (threadIdx.x == 0) atomicAdd(y, 1.0f / static_cast<float>(3 + blockIdx.x));
}

/// The first block waits for the last in a loop.
__global__ void spin_kernel(int* flag) {
  if (blockIdx.x == gridDim.x - 1) atomicExch(flag, 1);
  while (atomicCAS(flag, 1, 1) == 0) {
  }
}

// --- addresses ---

/// No check of the bounds: writes past the end.
__global__ void write_past_end_kernel(float* y, const float* x) { y[global_thread()] = x[0]; }

/// Reads one element past the end.
__global__ void read_past_end_kernel(float* y, const float* x, int n) {
  const int i = static_cast<int>(threadIdx.x);
  y[i] = x[i] + (i < n ? x[i + 1] : 0.0f);
}

/// Reads one element before the start.
__global__ void read_before_start_kernel(float* y, const float* x) {
  y[threadIdx.x] = x[static_cast<int>(threadIdx.x) - 1];
}

/// A shared array is written one past its end.
__global__ void shared_past_end_kernel(float* y, const float* x) {
  auto& s = shared<float[64], struct Values>();
  s[threadIdx.x + 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}

/// As above, through a pointer: the compiler does not know the length.
__global__ void shared_pointer_past_end_kernel(float* y, const float* x, int distance) {
  float* s = shared<float[64], struct Values>();
  s[static_cast<int>(threadIdx.x) + distance] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = x[threadIdx.x];
}

/// Dynamic shared memory of fewer elements than threads; also too much of it, by the launch.
__global__ void dynamic_past_end_kernel(float* y) {
  float* s = dynamic_shared<float>();
  s[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}

/// The last pack reaches over the end of the dynamic shared memory.
__global__ void pack_past_end_kernel(float* y, int n) {
  float* s = dynamic_shared<float>();
  const int first = static_cast<int>(threadIdx.x) * 4;
  if (first < n) *reinterpret_cast<Pack<float, 4>*>(s + first) = {{1, 2, 3, 4}};
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < n) y[threadIdx.x] = s[threadIdx.x];
}

/// 16 bytes at once from an address that is no multiple of 16.
__global__ void misaligned_pack_kernel(float* y, const float* x) {
  const auto pack = *reinterpret_cast<const Pack<float, 4>*>(x + 1);
  y[threadIdx.x] = pack.at[0];
}

/// An atomic of 8 bytes on the second of two ints.
__global__ void misaligned_atomic_kernel(int* bins) {
  atomicAdd(reinterpret_cast<unsigned long long*>(bins + 1), 1ull);
}

/// An offset that does not fit into an int.
__global__ void int_offset_kernel(float* y, const float* x, int rows, int columns) {
  const int offset = rows * columns;
  y[threadIdx.x] = x[offset < 0 ? 0 : offset % 64];
}

// --- values that nobody wrote, and limits ---

/// Reads shared memory that nobody wrote.
__global__ void unwritten_shared_kernel(float* y, const float* x) {
  auto& s = shared<float[64], struct Values>();
  if (threadIdx.x < 32) s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < 64; ++i) sum += s[i];
  y[threadIdx.x] = sum;
}

/// More static shared memory than there is.
__global__ void big_static_kernel(float* y) {
  auto& s = shared<float[64][256], struct Values>();
  s[threadIdx.x][0] = 1;
  y[threadIdx.x] = s[threadIdx.x][0];
}

/// Static and dynamic shared memory, each small enough.
__global__ void big_together_kernel(float* y) {
  auto& s = shared<float[32][256], struct Values>();
  s[threadIdx.x % 32][0] = 1;
  y[threadIdx.x] = dynamic_shared<float>()[0];
}

}  // namespace
}  // namespace salu::cuda
