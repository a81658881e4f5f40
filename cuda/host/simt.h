// SPDX-License-Identifier: MIT
/// The language of kernels on the host: nvcc's built-in functions as ordinary C++. An intrinsic that is not
/// here does not compile, rather than do something else than on the GPU.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <source_location>
#include <type_traits>

#include "cuda/host/collectives.h"
#include "cuda/host/memory.h"
#include "cuda/host/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

namespace salu::cuda::host {

template <class T, class... Allowed>
concept OneOf = (std::same_as<T, Allowed> || ...);

/// Replaces the value by f(value) and returns the old one. Relaxed, as on the GPU: it orders no other access.
template <class T, class F>
T atomic_update(T* address, const Location& at, F f) {
  check_atomic(address, sizeof(T), at);
  const std::atomic_ref<T> cell(*address);
  T old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(old, f(old), std::memory_order_relaxed)) {
  }
  return old;
}

}  // namespace salu::cuda::host

// Barriers. The default argument is the call site: two barriers are the same only when their call sites are.
inline void __syncthreads(std::source_location at = std::source_location::current()) {
  salu::cuda::host::sync_block(false, at);
}
inline int __syncthreads_count(int predicate, std::source_location at = std::source_location::current()) {
  return salu::cuda::host::sync_block(predicate != 0, at);
}
inline int __syncthreads_and(int predicate, std::source_location at = std::source_location::current()) {
  return salu::cuda::host::sync_block(predicate != 0, at) == salu::cuda::host::threads_in_block();
}
inline int __syncthreads_or(int predicate, std::source_location at = std::source_location::current()) {
  return salu::cuda::host::sync_block(predicate != 0, at) > 0;
}
/// Orders memory between blocks; atomics alone do not.
inline void __threadfence() { salu::cuda::host::fence(); }

// Warp collectives.
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       std::source_location at = std::source_location::current()) {
  salu::cuda::host::sync_warp(mask, at);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              std::source_location at = std::source_location::current()) {
  using namespace salu::cuda::host;
  return from_bits<T>(shuffle(Shuffle::index, mask, to_bits(value), lane, width, at));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32,
                 std::source_location at = std::source_location::current()) {
  using namespace salu::cuda::host;
  return from_bits<T>(shuffle(Shuffle::up, mask, to_bits(value), static_cast<int>(distance), width, at));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32,
                   std::source_location at = std::source_location::current()) {
  using namespace salu::cuda::host;
  return from_bits<T>(shuffle(Shuffle::down, mask, to_bits(value), static_cast<int>(distance), width, at));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  std::source_location at = std::source_location::current()) {
  using namespace salu::cuda::host;
  return from_bits<T>(shuffle(Shuffle::exclusive_or, mask, to_bits(value), lane_mask, width, at));
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location at = std::source_location::current()) {
  return salu::cuda::host::vote_lanes(mask, predicate != 0, at, [](std::uint64_t bits) { return bits != 0; });
}
inline int __any_sync(unsigned mask, int predicate,
                      std::source_location at = std::source_location::current()) {
  return __ballot_sync(mask, predicate, at) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      std::source_location at = std::source_location::current()) {
  return __ballot_sync(mask, predicate, at) == mask;
}
/// Mask of the lanes with the same value.
template <class T>
unsigned __match_any_sync(unsigned mask, T value, std::source_location at = std::source_location::current()) {
  const std::uint64_t own = salu::cuda::host::to_bits(value);
  return salu::cuda::host::vote_lanes(mask, own, at, [own](std::uint64_t bits) { return bits == own; });
}
template <salu::cuda::host::OneOf<int, unsigned> T>
T __reduce_add_sync(unsigned mask, T value, std::source_location at = std::source_location::current()) {
  return salu::cuda::host::reduce_lanes(mask, value, at, [](T a, T b) {
    return static_cast<T>(static_cast<unsigned>(a) + static_cast<unsigned>(b));  // wraps around
  });
}
template <salu::cuda::host::OneOf<int, unsigned> T>
T __reduce_min_sync(unsigned mask, T value, std::source_location at = std::source_location::current()) {
  return salu::cuda::host::reduce_lanes(mask, value, at, [](T a, T b) { return std::min(a, b); });
}
template <salu::cuda::host::OneOf<int, unsigned> T>
T __reduce_max_sync(unsigned mask, T value, std::source_location at = std::source_location::current()) {
  return salu::cuda::host::reduce_lanes(mask, value, at, [](T a, T b) { return std::max(a, b); });
}

// Atomics, for the types that CUDA supports.
template <salu::cuda::host::OneOf<int, unsigned, unsigned long long, float, double> T>
T atomicAdd(T* address, std::type_identity_t<T> value,
            std::source_location at = std::source_location::current()) {
  return salu::cuda::host::atomic_update(address, at, [value](T old) {
    if constexpr (std::same_as<T, int>) {
      return static_cast<int>(static_cast<unsigned>(old) + static_cast<unsigned>(value));  // wraps around
    } else {
      return old + value;
    }
  });
}
template <salu::cuda::host::OneOf<int, unsigned, unsigned long long, float> T>
T atomicExch(T* address, std::type_identity_t<T> value,
             std::source_location at = std::source_location::current()) {
  return salu::cuda::host::atomic_update(address, at, [value](T) { return value; });
}
template <salu::cuda::host::OneOf<int, unsigned, unsigned long long> T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value,
            std::source_location at = std::source_location::current()) {
  return salu::cuda::host::atomic_update(address, at, [=](T old) { return old == expected ? value : old; });
}
template <salu::cuda::host::OneOf<int, unsigned, long long, unsigned long long> T>
T atomicMin(T* address, std::type_identity_t<T> value,
            std::source_location at = std::source_location::current()) {
  return salu::cuda::host::atomic_update(address, at, [value](T old) { return std::min(old, value); });
}
template <salu::cuda::host::OneOf<int, unsigned, long long, unsigned long long> T>
T atomicMax(T* address, std::type_identity_t<T> value,
            std::source_location at = std::source_location::current()) {
  return salu::cuda::host::atomic_update(address, at, [value](T old) { return std::max(old, value); });
}

// Arithmetic. The host's functions are more exact than the GPU's fast ones.
template <class T>
T __ldg(const T* address) {
  return *address;
}
inline float __expf(float x) noexcept { return std::exp(x); }
inline float __logf(float x) noexcept { return std::log(x); }
inline float rsqrtf(float x) noexcept { return 1.0f / std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) noexcept { return std::fma(a, b, c); }
inline float __fdividef(float a, float b) noexcept { return a / b; }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
