// SPDX-License-Identifier: MIT
/// The language of kernels on the host (cuda/host/simt.h), against plain loops.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cuda/host/host.h"
#include "cuda/kernels/kernel.cuh"
#include "tests/catch.h"
#include "tests/simt/correct.h"
#include "tests/simt/device_array.h"

namespace salu::test {
namespace {

using namespace cuda;

constexpr int kSchedules = 6;

TEST_CASE("kernels without a mistake agree with plain loops under every schedule") {
  for (std::uint64_t schedule = 0; schedule < kSchedules; ++schedule) {
    host::set_schedule(schedule);
    for (const CorrectKernel& kernel : correct_kernels()) {
      INFO(kernel.name << ", schedule " << schedule);
      CHECK(kernel.agrees());
    }
  }
  host::set_schedule(0);
}

/// Each thread leaves its indices.
__global__ void indices_kernel(unsigned* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * threadIdx.y;
  unsigned* at = out + (block * blockDim.x * blockDim.y + thread) * 5;
  at[0] = threadIdx.x;
  at[1] = threadIdx.y;
  at[2] = blockIdx.x;
  at[3] = blockIdx.y;
  at[4] = blockIdx.z;
}

TEST_CASE("every thread of every block runs once, with its own indices") {
  for (std::uint64_t schedule = 0; schedule < kSchedules; ++schedule) {
    host::set_schedule(schedule);
    DeviceArray<unsigned> out(2 * 3 * 4 * 5 * 7 * 5);
    launch("indices_kernel", indices_kernel,
           {.blocks_x = 2, .blocks_y = 3, .blocks_z = 4, .threads_x = 5, .threads_y = 7}, out.data());
    std::vector<unsigned> want;
    for (unsigned z = 0; z < 4; ++z) {
      for (unsigned y = 0; y < 3; ++y) {
        for (unsigned x = 0; x < 2; ++x) {
          for (unsigned ty = 0; ty < 7; ++ty) {
            for (unsigned tx = 0; tx < 5; ++tx) want.insert(want.end(), {tx, ty, x, y, z});
          }
        }
      }
    }
    CHECK(out.values() == want);
  }
  host::set_schedule(0);
}

enum class Kind { index, up, down, exclusive_or };

template <class T>
__global__ void shuffle_kernel(T* y, const T* x, Kind kind, int argument, int width) {
  const T own = x[threadIdx.x];
  const auto distance = static_cast<unsigned>(argument);
  switch (kind) {
    case Kind::index:
      y[threadIdx.x] = __shfl_sync(kFullMask, own, argument, width);
      break;
    case Kind::up:
      y[threadIdx.x] = __shfl_up_sync(kFullMask, own, distance, width);
      break;
    case Kind::down:
      y[threadIdx.x] = __shfl_down_sync(kFullMask, own, distance, width);
      break;
    case Kind::exclusive_or:
      y[threadIdx.x] = __shfl_xor_sync(kFullMask, own, argument, width);
      break;
  }
}

/// The CUDA programming guide's words: the warp is divided into groups of `width` lanes, and positions count
/// within the group. An index wraps around in it; up and down leave lanes whose source would be outside as
/// they are; exclusive-or may read earlier groups, but not later ones.
int shuffle_source(Kind kind, int lane, int argument, int width) {
  const int group = lane / width, position = lane % width;
  switch (kind) {
    case Kind::index:
      return group * width + argument % width;
    case Kind::up:
      return position < argument ? lane : lane - argument;
    case Kind::down:
      return position + argument < width ? lane + argument : lane;
    case Kind::exclusive_or:
      return (lane ^ argument) / width > group ? lane : lane ^ argument;
  }
  return -1;
}

template <class T>
void check_shuffles() {
  std::vector<T> x(64);
  for (int i = 0; i < 64; ++i) x[i] = static_cast<T>(1000 + i);
  DeviceArray<T> dx(x), y(64);
  int wrong = 0;
  for (const Kind kind : {Kind::index, Kind::up, Kind::down, Kind::exclusive_or}) {
    for (int width = 1; width <= kWarp; width *= 2) {
      for (int argument = 0; argument < kWarp; ++argument) {
        launch("shuffle_kernel", shuffle_kernel<T>, {.threads_x = 64}, y.data(), dx.data(), kind, argument,
               width);
        const std::vector<T> got = y.values();
        for (int i = 0; i < 64; ++i) {
          wrong += got[i] != x[i / kWarp * kWarp + shuffle_source(kind, i % kWarp, argument, width)];
        }
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("shuffles of every kind, width and argument") {
  check_shuffles<float>();
  check_shuffles<double>();
  check_shuffles<int>();
  check_shuffles<unsigned long long>();
}

/// One column of results per thread.
__global__ void votes_kernel(int* y, const int* x, unsigned mask) {
  const int n = static_cast<int>(blockDim.x), i = static_cast<int>(threadIdx.x), value = x[i];
  if ((mask >> i % kWarp & 1) != 0) {
    y[i] = static_cast<int>(__ballot_sync(mask, value > 3));
    y[n + i] = __any_sync(mask, value == 9);
    y[2 * n + i] = __all_sync(mask, value >= 0);
    y[3 * n + i] = static_cast<int>(__match_any_sync(mask, value));
    y[4 * n + i] = __reduce_add_sync(mask, value);
    y[5 * n + i] = __reduce_min_sync(mask, value - 5);
    y[6 * n + i] = __reduce_max_sync(mask, value - 5);
  }
  y[7 * n + i] = __syncthreads_count(value > 3);
  y[8 * n + i] = __syncthreads_and(value >= 0);
  y[9 * n + i] = __syncthreads_or(value == 9);
}

/// The results that votes_kernel should write for thread i.
std::vector<int> votes_of(int i, const std::vector<int>& x, unsigned mask) {
  std::vector<int> want(10);
  const int first = i / kWarp * kWarp, n = static_cast<int>(x.size());
  want[2] = want[8] = 1;
  want[5] = 1000;
  want[6] = -1000;
  for (int l = 0; l < kWarp && first + l < n; ++l) {
    if ((mask >> l & 1) == 0) continue;
    const int value = x[first + l];
    if (value > 3) want[0] |= static_cast<int>(1u << l);
    if (value == 9) want[1] = 1;
    if (value < 0) want[2] = 0;
    if (value == x[i]) want[3] |= static_cast<int>(1u << l);
    want[4] += value;
    want[5] = std::min(want[5], value - 5);
    want[6] = std::max(want[6], value - 5);
  }
  for (const int value : x) {
    want[7] += value > 3;
    if (value < 0) want[8] = 0;
    if (value == 9) want[9] = 1;
  }
  return want;
}

TEST_CASE("votes and reductions of warps and blocks") {
  for (const int lowest : {0, -2}) {
    std::vector<int> x(96);
    for (int i = 0; i < 96; ++i) x[i] = lowest + i * 7 % (i < 32 ? 12 : 5);
    for (const unsigned mask : {kFullMask, 0x0ff0f00fu}) {
      DeviceArray<int> dx(x), y(std::vector<int>(960));
      launch("votes_kernel", votes_kernel, {.threads_x = 96}, y.data(), dx.data(), mask);
      const std::vector<int> got = y.values();
      for (int i = 0; i < 96; ++i) {
        const std::vector<int> want = votes_of(i, x, mask);
        const bool outside = (mask >> i % kWarp & 1) == 0;
        for (int row = 0; row < 10; ++row) {
          INFO("thread " << i << ", row " << row);
          if (got[row * 96 + i] != (outside && row < 7 ? 0 : want[row]))
            CHECK(got[row * 96 + i] == want[row]);
        }
      }
    }
  }
}

/// Ten cells for the atomics; `old` are the values that atomicAdd found.
__global__ void atomics_kernel(int* cells, float* sum, unsigned long long* wide, int* old) {
  const int i = static_cast<int>(global_thread());
  old[i] = atomicAdd(&cells[0], 2);
  atomicMin(&cells[1], 50 - i);
  atomicMax(&cells[2], i * 3);
  if (atomicCAS(&cells[3], 0, i + 1) == 0) atomicAdd(&cells[4], 1);
  atomicExch(&cells[5], 7);
  atomicAdd(sum, 0.25f);
  atomicMax(wide, 1ull << (i % 60));
}

TEST_CASE("atomics") {
  for (std::uint64_t schedule = 0; schedule < kSchedules; ++schedule) {
    host::set_schedule(schedule);
    DeviceArray<int> cells(std::vector<int>(6)), old(192);
    DeviceArray<float> sum(std::vector<float>(1));
    DeviceArray<unsigned long long> wide(std::vector<unsigned long long>(1));
    launch("atomics_kernel", atomics_kernel, {.blocks_x = 3, .threads_x = 64}, cells.data(), sum.data(),
           wide.data(), old.data());
    const std::vector<int> got = cells.values();
    CHECK(got[0] == 384);
    CHECK(got[1] == 50 - 191);
    CHECK(got[2] == 191 * 3);
    CHECK((got[3] >= 1 && got[3] <= 192));
    CHECK(got[4] == 1);
    CHECK(got[5] == 7);
    CHECK(sum.values()[0] == 48.0f);
    CHECK(wide.values()[0] == 1ull << 59);
    std::vector<int> found = old.values();
    std::sort(found.begin(), found.end());
    for (int i = 0; i < 192; ++i) CHECK(found[i] == 2 * i);
  }
  host::set_schedule(0);
}

TEST_CASE("bits and arithmetic") {
  for (int i = 0; i < 2000; ++i) {
    const auto x = static_cast<unsigned>(i) * 2654435761u >> (i % 32);
    int ones = 0, lowest = 0, leading = 32;
    for (int bit = 31; bit >= 0; --bit) {
      if ((x >> bit & 1) == 0) continue;
      ++ones;
      lowest = bit + 1;
      leading = std::min(leading, 31 - bit);
    }
    CHECK(__popc(x) == ones);
    CHECK(__ffs(static_cast<int>(x)) == lowest);
    CHECK(__clz(static_cast<int>(x)) == leading);
  }
  // The exact product 1 + 2^-11 + 2^-24 does not fit into a float; its sum with -1 does.
  const float a = 1.0f + 0x1p-12f;
  CHECK(__fmaf_rn(a, a, -1.0f) == 0x1p-11f + 0x1p-24f);
  CHECK(rsqrtf(0.0625f) == 4.0f);
  CHECK(__expf(0.0f) == 1.0f);
  CHECK(__logf(1.0f) == 0.0f);
  CHECK(__fdividef(3.0f, 4.0f) == 0.75f);
  const float value = 2.5f;
  CHECK(__ldg(&value) == 2.5f);
  CHECK(sizeof(float4) == 16);
  CHECK(alignof(float4) == 16);
  CHECK(alignof(int2) == 8);
  const dim3 d(5);
  CHECK((d.x == 5 && d.y == 1 && d.z == 1));
}

__global__ void missing_lane_kernel(float* y) { y[0] = __shfl_sync(0xffu, 1.0f, 9); }
__global__ void odd_threads_leave_kernel(float* y) {
  if (threadIdx.x % 2 == 1) return;
  __syncthreads();
  y[0] = 1;
}

TEST_CASE("what goes wrong in a kernel is reported with its place") {
  DeviceArray<float> y(1);
  const auto error = [&](void (*kernel)(float*), const LaunchShape& shape) {
    return error_of([&] { launch("wrong_kernel", kernel, shape, y.data()); });
  };
  const std::string shuffle = error(missing_lane_kernel, {.blocks_x = 2, .threads_x = 8});
  CHECK(contains(shuffle, "5: kernel wrong_kernel, "));
  CHECK(contains(shuffle, "tests/simt_test.cc:"));
  CHECK(contains(shuffle,
                 ", thread (0,0,0) of block (0,0,0): lane 0 reads lane 9, which the mask 0xff leaves out"));
  CHECK(contains(
      error(odd_threads_leave_kernel, {.threads_x = 4, .threads_y = 2}),
      "thread (0,0,0) of block (0,0,0): divergent barrier: thread 7 has exited; expected all threads at "
      "the barrier"));
  CHECK(contains(error(missing_lane_kernel, {.threads_x = 3}), "the mask 0xff names a lane that has exited"));
  // The machine is usable after a failure.
  for (const CorrectKernel& kernel : correct_kernels()) CHECK(kernel.agrees());
}

}  // namespace
}  // namespace salu::test
