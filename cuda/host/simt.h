// SPDX-License-Identifier: MIT
/// The language of kernels for the host compiler: indices, barriers, warp functions, atomics, intrinsics.
/// What is not here does not compile; add it with its documented meaning and a line in tests/simt_test.cc.
#pragma once

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "cuda/host/machine.h"
#include "cuda/host/shared_memory.h"
#include "cuda/host/types.h"

namespace salu::cuda::host {

std::uint64_t collective(Collective kind, unsigned mask, std::uint64_t value, int operand, int width,
                         const std::source_location& where);
void block_barrier(const std::source_location& where);
int block_count(bool predicate, const std::source_location& where);
void fence();

/// A shuffle of any value of up to 8 bytes.
template <class T>
T shuffle(Collective kind, unsigned mask, T value, int operand, int width,
          const std::source_location& where) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = collective(kind, mask, bits, operand, width, where);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
std::atomic_ref<T> atomic(T* address) {
  return std::atomic_ref<T>(*address);
}

}  // namespace salu::cuda::host

using SourceLocation = std::source_location;

inline void __syncthreads(const SourceLocation& where = SourceLocation::current()) {
  salu::cuda::host::block_barrier(where);
}
inline int __syncthreads_count(int predicate, const SourceLocation& where = SourceLocation::current()) {
  return salu::cuda::host::block_count(predicate != 0, where);
}
inline int __syncthreads_or(int predicate, const SourceLocation& where = SourceLocation::current()) {
  return __syncthreads_count(predicate, where) > 0;
}
inline int __syncthreads_and(int predicate, const SourceLocation& where = SourceLocation::current()) {
  return __syncthreads_count(!predicate, where) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, const SourceLocation& where = SourceLocation::current()) {
  salu::cuda::host::collective(salu::cuda::host::Collective::sync, mask, 0, 0, 32, where);
}
/// Orders nothing on one OS thread; ThreadSanitizer takes it as the order it stands for.
inline void __threadfence() { salu::cuda::host::fence(); }

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              const SourceLocation& where = SourceLocation::current()) {
  return salu::cuda::host::shuffle(salu::cuda::host::Collective::shuffle, mask, value, lane, width, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 const SourceLocation& where = SourceLocation::current()) {
  return salu::cuda::host::shuffle(salu::cuda::host::Collective::shuffle_up, mask, value,
                                   static_cast<int>(delta), width, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   const SourceLocation& where = SourceLocation::current()) {
  return salu::cuda::host::shuffle(salu::cuda::host::Collective::shuffle_down, mask, value,
                                   static_cast<int>(delta), width, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  const SourceLocation& where = SourceLocation::current()) {
  return salu::cuda::host::shuffle(salu::cuda::host::Collective::shuffle_xor, mask, value, lanes, width,
                                   where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              const SourceLocation& where = SourceLocation::current()) {
  return static_cast<unsigned>(
      salu::cuda::host::collective(salu::cuda::host::Collective::ballot, mask, predicate != 0, 0, 32, where));
}
inline int __any_sync(unsigned mask, int predicate, const SourceLocation& where = SourceLocation::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, const SourceLocation& where = SourceLocation::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}

template <class T>
T atomicAdd(T* address, T value) {
  return salu::cuda::host::atomic(address).fetch_add(value, std::memory_order_relaxed);
}
template <class T>
T atomicExch(T* address, T value) {
  return salu::cuda::host::atomic(address).exchange(value, std::memory_order_relaxed);
}
template <class T>
T atomicCAS(T* address, T expected, T value) {
  salu::cuda::host::atomic(address).compare_exchange_strong(expected, value, std::memory_order_relaxed);
  return expected;
}
template <class T>
T atomicMin(T* address, T value) {
  T old = salu::cuda::host::atomic(address).load(std::memory_order_relaxed);
  while (value < old && !salu::cuda::host::atomic(address).compare_exchange_weak(old, value)) {
  }
  return old;
}
template <class T>
T atomicMax(T* address, T value) {
  T old = salu::cuda::host::atomic(address).load(std::memory_order_relaxed);
  while (old < value && !salu::cuda::host::atomic(address).compare_exchange_weak(old, value)) {
  }
  return old;
}

template <class T>
T __ldg(const T* p) {
  return *p;
}
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
