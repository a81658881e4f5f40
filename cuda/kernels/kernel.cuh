// SPDX-License-Identifier: MIT
/// The language of kernels, on the device and on the host; every kernel file includes it.
///
/// The text of a kernel is compiled by nvcc for the GPU, and by the host compiler against cuda/host/simt.h,
/// where every CUDA thread is a fiber. Kernels therefore use nothing that one of the two does not have:
/// shared memory comes from shared<T, Tag>() and dynamic_shared<T>() instead of declarations.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "cuda/runtime/launch.h"

#if !defined(__CUDACC__)
#include "cuda/host/simt.h"
#endif

namespace salu::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kFullMask = 0xffffffffu;

#if defined(__CUDACC__)

/// One object of type T in shared memory; `Tag` distinguishes objects of one type: `auto& tile =
/// shared<float[16][17], struct TileA>();`
template <class T, class Tag>
__device__ __forceinline__ T& shared() {
  __shared__ T object;
  return object;
}

/// The dynamic shared memory of the block: LaunchShape::shared_bytes, 16-byte aligned.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char bytes[];
  return reinterpret_cast<T*>(bytes);
}

#else

using host::dynamic_shared;
using host::shared;

#endif

/// Index of the thread in a one-dimensional grid, and the number of threads.
__device__ inline std::int64_t global_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t global_threads() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

/// Sum over the warp, with the same bits in every lane because the tree is fixed.
template <class T>
__device__ inline T warp_sum(T value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(kFullMask, value, distance);
  }
  return value;
}

/// Maximum over the warp; NaN propagates.
__device__ inline float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ inline float warp_max(float value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value = larger(value, __shfl_xor_sync(kFullMask, value, distance));
  }
  return value;
}

/// Replaces each value by its sum over the block, with the same bits in every thread. The block has whole
/// warps, at most 1024 threads, and all must take part. The second barrier lets the next call reuse the
/// memory.
template <class T, int Count>
__device__ inline void block_sums(T (&values)[Count]) {
  auto& partial = shared<T[Count][kWarp], struct BlockSums>();
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  for (int i = 0; i < Count; ++i) {
    values[i] = warp_sum(values[i]);
    if (lane == 0) partial[i][warp] = values[i];
  }
  __syncthreads();
  for (int i = 0; i < Count; ++i) values[i] = warp_sum(lane < warps ? partial[i][lane] : T(0));
  __syncthreads();
}
template <class T>
__device__ inline T block_sum(T value) {
  T values[1] = {value};
  block_sums(values);
  return values[0];
}

/// Second half of a sum over all blocks. Every block writes its part to device memory, and the last to
/// arrive, for which this returns true, adds the parts in block order. The bits do not depend on which block
/// is last, and no second launch is needed. All threads must call it, after the block's part is written.
/// `ticket` is zero before and after (scratch.h).
__device__ inline bool last_block(unsigned* ticket) {
  auto& last = shared<bool, struct LastBlock>();
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    last = atomicAdd(ticket, 1u) + 1u == gridDim.x * gridDim.y * gridDim.z;
    if (last) atomicExch(ticket, 0u);
  }
  __syncthreads();
  if (last) __threadfence();
  return last;
}

/// `Count` elements, loaded and stored in one access.
template <class T, int Count>
struct alignas(sizeof(T) * Count) Pack {
  T at[Count];
};
/// Elements per 16 bytes, the widest access of the GPU.
template <class T>
inline constexpr int kPack = 16 / static_cast<int>(sizeof(T));

/// True when all pointers allow 16-byte packs. A null pointer is never read and does.
template <class... T>
bool pack_aligned(const T*... p) {
  return ((reinterpret_cast<std::uintptr_t>(p) % 16 == 0) && ...);
}

}  // namespace salu::cuda
