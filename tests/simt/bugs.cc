// SPDX-License-Identifier: MIT
/// Kernels that are wrong on purpose.
#include <vector>

#include "cuda/host/host.h"
#include "cuda/kernel.cuh"
#include "cuda/runtime.h"
#include "tests/simt/kernels.h"

namespace salu::test {
using namespace cuda;
namespace {

__global__ void no_barrier_kernel(const float* x, float* y) {
  auto& s = shared<float[64], struct S>();
  s[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = s[63 - threadIdx.x];
}

/// The tile is overwritten before all have read it.
__global__ void no_second_barrier_kernel(const float* x, float* y) {
  auto& s = shared<float[64], struct S>();
  float sum = 0;
  for (int round = 0; round < 4; ++round) {
    s[threadIdx.x] = x[64 * round + static_cast<int>(threadIdx.x)];
    __syncthreads();
    for (int i = 0; i < 64; ++i) sum += s[i] * static_cast<float>(round + 1);
  }
  y[threadIdx.x] = sum;
}

__global__ void copy_unchecked_kernel(const float* x, float* y) { y[global_thread()] = x[global_thread()]; }

__global__ void shared_one_past_kernel(const float* x, float* y) {
  auto& s = shared<float[64], struct S>();
  s[threadIdx.x + 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}

__global__ void two_barriers_kernel(float* y, int n) {
  if (static_cast<int>(threadIdx.x) < n) {
    y[threadIdx.x] = 1;
    __syncthreads();
  } else {
    y[threadIdx.x] = 2;
    __syncthreads();
  }
}

__global__ void early_return_kernel(float* y, int n) {
  if (static_cast<int>(threadIdx.x) >= n) return;
  y[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] += 1;
}

__global__ void full_mask_in_branch_kernel(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x < 16) v += __shfl_down_sync(kFullMask, v, 8);
  y[threadIdx.x] = v;
}

__global__ void lane_outside_mask_kernel(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x < 16) v = __shfl_sync(0xffffu, v, 20);
  y[threadIdx.x] = v;
}

__global__ void caller_outside_mask_kernel(const float* x, float* y) {
  y[threadIdx.x] = __shfl_xor_sync(0xffffu, x[threadIdx.x], 1);
}

__global__ void different_shuffles_kernel(const float* x, float* y) {
  const float v = x[threadIdx.x];
  y[threadIdx.x] = threadIdx.x % 2 ? __shfl_xor_sync(kFullMask, v, 1) : __shfl_xor_sync(kFullMask, v, 2);
}

__global__ void bad_width_kernel(const float* x, float* y) {
  y[threadIdx.x] = __shfl_down_sync(kFullMask, x[threadIdx.x], 1, 12);
}

/// Half a warp, but the shuffle names all 32 lanes.
__global__ void missing_lanes_kernel(const float* x, float* y) { y[threadIdx.x] = warp_sum(x[threadIdx.x]); }

__global__ void block_race_kernel(const float* x, float* y) { y[threadIdx.x] += x[global_thread()]; }

__global__ void no_atomic_kernel(const int* x, int* bins, int n) {
  const std::int64_t i = global_thread();
  if (i < n) bins[x[i]] += 1;
}

__global__ void misaligned_kernel(const float* x, float* y) {
  const auto pack = *reinterpret_cast<const Pack<float, 4>*>(x + 1);
  y[threadIdx.x] = pack.at[0];
}

__global__ void unwritten_shared_kernel(const float* x, float* y) {
  auto& s = shared<float[64], struct S>();
  if (threadIdx.x < 32) s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < 64; ++i) sum += s[i];
  y[threadIdx.x] = sum;
}

__global__ void lockstep_kernel(const float* x, float* y) {
  auto& s = shared<float[32], struct S>();
  s[threadIdx.x] = x[threadIdx.x];
  for (unsigned o = 16; o > 0; o /= 2) {
    if (threadIdx.x < o) s[threadIdx.x] += s[threadIdx.x + o];
  }
  if (threadIdx.x == 0) y[0] = s[0];
}

__global__ void dynamic_overrun_kernel(float* y) {
  float* s = dynamic_shared<float>();
  s[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}

__global__ void read_past_kernel(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  y[i] = x[i] + (i < n ? x[i + 1] : 0);
}

/// The last block reads the parts of the others, which nothing made visible.
__global__ void no_fence_kernel(const float* x, float* y, float* parts, unsigned* ticket) {
  auto& last = shared<bool, struct Last>();
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = x[blockIdx.x];
    last = atomicAdd(ticket, 1u) + 1u == gridDim.x;
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  float sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) sum += parts[b];
  *y = sum;
}

/// Blocks take what the block before them left: there is no order of blocks.
__global__ void block_order_kernel(const float* x, float* y) {
  if (threadIdx.x == 0) y[0] = y[0] * 0.5f + x[blockIdx.x];
}

/// The result of a sum of floats in the order of arrival.
__global__ void float_atomic_kernel(const float* x, float* y) {
  atomicAdd(y, x[threadIdx.x] * 0.1f + 1e4f * static_cast<float>(threadIdx.x % 3));
}

/// Two arrays where there is one: the same tag twice.
__global__ void shared_tag_kernel(const float* x, float* y) {
  struct Same;
  auto& a = shared<float[64], Same>();
  auto& b = shared<float[64], Same>();
  a[threadIdx.x] = x[threadIdx.x];
  b[threadIdx.x] = 2;
  __syncthreads();
  y[threadIdx.x] = a[63 - threadIdx.x] + b[threadIdx.x] + (a[threadIdx.x] == 2 ? NAN : 0);
}

__global__ void too_much_static_kernel(float* y) {
  auto& s = shared<float[16 * 1024], struct S>();
  s[threadIdx.x] = 1;
  y[threadIdx.x] = s[threadIdx.x];
}

/// A barrier in a loop whose count depends on the thread.
__global__ void uneven_loop_kernel(float* y) {
  for (unsigned i = 0; i <= threadIdx.x % 2; ++i) {
    y[threadIdx.x] += 1;
    __syncthreads();
  }
}

/// The block sum leaves out the barrier before its memory is used again.
__global__ void reused_partial_kernel(const float* x, float* y) {
  auto& part = shared<float[2], struct Part>();
  for (int round = 0; round < 3; ++round) {
    const float sum = warp_sum(x[threadIdx.x] * static_cast<float>(round + 1));
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
    __syncthreads();
    y[threadIdx.x] += part[0] + part[1];
  }
}

__global__ void bool_shared_race_kernel(float* y) {
  auto& flag = shared<int, struct Flag>();
  flag = static_cast<int>(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = static_cast<float>(flag);
}

/// Pack access to dynamic memory that ends inside the pack.
__global__ void pack_overrun_kernel(const float* x, float* y) {
  auto* s = reinterpret_cast<Pack<float, 4>*>(dynamic_shared<float>());
  s[threadIdx.x] = *reinterpret_cast<const Pack<float, 4>*>(x + 4 * threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x].at[3];
}

__global__ void negative_index_kernel(const float* x, float* y) {
  y[threadIdx.x] = x[static_cast<int>(threadIdx.x) - 1];
}

__global__ void write_constant_kernel(float* y) { y[threadIdx.x] = 1; }

constexpr LaunchShape kWarpBlock{.threads_x = 32}, kBlock{.threads_x = 64};

template <auto kernel>
void on_warp(GateBuffers& d) {
  launch("seeded bug", kernel, kWarpBlock, d.x, d.y);
}
template <auto kernel>
void on_block(GateBuffers& d) {
  launch("seeded bug", kernel, kBlock, d.x, d.y);
}

/// Barriers, and what they order.
std::vector<GateKernel> barrier_bugs() {
  return {
      {"no_barrier", on_block<no_barrier_kernel>},
      {"no_second_barrier", on_block<no_second_barrier_kernel>},
      {"global_write_past",
       [](GateBuffers& d) {
         launch("copy_unchecked_kernel", copy_unchecked_kernel, {.blocks_x = 4, .threads_x = 32}, d.x,
                d.exact_out);
       }},
      {"shared_one_past", on_block<shared_one_past_kernel>},
      {"two_barriers",
       [](GateBuffers& d) { launch("two_barriers_kernel", two_barriers_kernel, kBlock, d.y, 40); }},
      {"early_return",
       [](GateBuffers& d) { launch("early_return_kernel", early_return_kernel, kBlock, d.y, 40); }},
  };
}

/// Warp functions.
std::vector<GateKernel> warp_bugs() {
  return {
      {"full_mask_in_branch", on_warp<full_mask_in_branch_kernel>},
      {"lane_outside_mask", on_warp<lane_outside_mask_kernel>},
      {"caller_outside_mask", on_warp<caller_outside_mask_kernel>},
      {"different_shuffles", on_warp<different_shuffles_kernel>},
      {"bad_width", on_warp<bad_width_kernel>},
      {"missing_lanes",
       [](GateBuffers& d) {
         launch("missing_lanes_kernel", missing_lanes_kernel, {.threads_x = 48}, d.x, d.y);
       }},
  };
}

/// Races, alignment, shared memory.
std::vector<GateKernel> race_bugs() {
  return {
      {"block_race",
       [](GateBuffers& d) {
         launch("block_race_kernel", block_race_kernel, {.blocks_x = 4, .threads_x = 64}, d.x, d.y);
       }},
      {"no_atomic",
       [](GateBuffers& d) {
         launch("no_atomic_kernel", no_atomic_kernel, {.blocks_x = 8, .threads_x = 128}, d.bins, d.histogram,
                1024);
       }},
      {"misaligned", on_warp<misaligned_kernel>},
      {"unwritten_shared", on_block<unwritten_shared_kernel>},
      {"lockstep", on_warp<lockstep_kernel>},
      {"dynamic_overrun",
       [](GateBuffers& d) {
         launch("dynamic_overrun_kernel", dynamic_overrun_kernel, {.threads_x = 64, .shared_bytes = 128},
                d.y);
       }},
  };
}

/// Launches and pointers.
std::vector<GateKernel> launch_bugs() {
  return {
      {"too_much_dynamic",
       [](GateBuffers& d) {
         launch("dynamic_overrun_kernel", dynamic_overrun_kernel,
                {.threads_x = 64, .shared_bytes = 256 * 1024}, d.y);
       }},
      {"too_much_static",
       [](GateBuffers& d) { launch("too_much_static_kernel", too_much_static_kernel, kBlock, d.y); }},
      {"host_pointer",
       [](GateBuffers& d) {
         launch("copy_unchecked_kernel", copy_unchecked_kernel, kWarpBlock, d.host.data(), d.y);
       }},
      {"big_block",
       [](GateBuffers& d) {
         launch("copy_unchecked_kernel", copy_unchecked_kernel, {.threads_x = 2048}, d.x, d.y);
       }},
      {"high_grid",
       [](GateBuffers& d) {
         launch("copy_unchecked_kernel", copy_unchecked_kernel, {.blocks_y = 70000, .threads_x = 1}, d.x,
                d.y);
       }},
      {"read_past",
       [](GateBuffers& d) {
         launch("read_past_kernel", read_past_kernel, {.threads_x = 100}, d.exact, d.y, 100);
       }},
      {"negative_index",
       [](GateBuffers& d) { launch("negative_index_kernel", negative_index_kernel, kBlock, d.exact, d.y); }},
      {"host_reads_device",
       [](GateBuffers& d) {
         volatile float v = d.x[3];
         static_cast<void>(v);
       }},
      {"use_after_free",
       [](GateBuffers& d) {
         float* volatile gone = static_cast<float*>(allocate_raw(256));
         release_raw(gone);
         launch("copy_unchecked_kernel", copy_unchecked_kernel, kWarpBlock, static_cast<float*>(gone), d.y);
       }},
      {"double_release",
       [](GateBuffers&) {
         void* block = allocate_raw(256);
         release_raw(block);
         release_raw(block);
       }},
  };
}

/// Order between blocks, and more of shared memory.
std::vector<GateKernel> order_bugs() {
  return {
      {"no_fence",
       [](GateBuffers& d) {
         launch("no_fence_kernel", no_fence_kernel, {.blocks_x = 5, .threads_x = 32}, d.x, d.y, d.y + 100,
                d.ticket);
       }},
      {"block_order",
       [](GateBuffers& d) {
         launch("block_order_kernel", block_order_kernel, {.blocks_x = 4, .threads_x = 32}, d.x, d.y);
       }},
      {"float_atomic", on_block<float_atomic_kernel>},
      {"shared_tag", on_block<shared_tag_kernel>},
      {"uneven_loop", [](GateBuffers& d) { launch("uneven_loop_kernel", uneven_loop_kernel, kBlock, d.y); }},
      {"reused_partial", on_block<reused_partial_kernel>},
      {"shared_write_race",
       [](GateBuffers& d) { launch("bool_shared_race_kernel", bool_shared_race_kernel, kBlock, d.y); }},
      {"pack_overrun",
       [](GateBuffers& d) {
         launch("pack_overrun_kernel", pack_overrun_kernel, {.threads_x = 32, .shared_bytes = 16 * 32 - 4},
                d.x, d.y);
       }},
  };
}

/// Device memory and the stream.
std::vector<GateKernel> queue_bugs() {
  return {
      {"unwritten_global",
       [](GateBuffers& d) {
         auto* fresh = static_cast<float*>(allocate_raw(256));
         launch("copy_unchecked_kernel", copy_unchecked_kernel, kWarpBlock, fresh, d.y);
         release_raw(fresh);
       }},
      {"copy_past_end",
       [](GateBuffers& d) {
         std::vector<float> big(200);
         copy_to_device(d.exact, big.data(), 800);
       }},
      {"wait_while_recording",
       [](GateBuffers& d) {
         Graph graph;
         graph.begin();
         launch("write_constant_kernel", write_constant_kernel, kWarpBlock, d.y);
         synchronize();
       }},
      {"no_wait_before_read",
       [](GateBuffers& d) {
         host::set_deferred(true);
         auto* result = static_cast<float*>(allocate_pinned(128));
         result[0] = NAN;
         launch("write_constant_kernel", write_constant_kernel, kWarpBlock, d.y);
         queue_copy_to_host(result, d.y, 128);
         const float early = result[0];
         synchronize();
         copy_to_device(d.y, &early, 4);
       }},
  };
}

}  // namespace

const std::vector<GateKernel>& seeded_bugs() {
  static const std::vector<GateKernel> bugs = [] {
    std::vector<GateKernel> all;
    for (const auto group : {barrier_bugs, warp_bugs, race_bugs, launch_bugs, order_bugs, queue_bugs}) {
      for (const GateKernel& bug : group()) all.push_back(bug);
    }
    return all;
  }();
  return bugs;
}

}  // namespace salu::test
