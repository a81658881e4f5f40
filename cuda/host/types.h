// SPDX-License-Identifier: MIT
/// CUDA's vector types and qualifiers for the host compiler.
#pragma once

// The only macros of the shim: qualifiers cannot be anything else.
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

/// Set at every switch, so that gdb shows the index of the thread it stopped in.
inline uint3 threadIdx{}, blockIdx{};
inline dim3 blockDim, gridDim;
