// SPDX-License-Identifier: MIT
/// Packs of neighbouring channels: one thread reads 16 bytes at once where the shape and the addresses allow
/// it.
#pragma once

#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {

template <int Width, class T>
__device__ inline Pack<T, Width> load(const T* p) {
  return *reinterpret_cast<const Pack<T, Width>*>(p);
}
template <int Width, class T>
__device__ inline void store(T* p, const Pack<T, Width>& values) {
  *reinterpret_cast<Pack<T, Width>*>(p) = values;
}

/// Width 4-byte numbers that accompany a pack of activations, in 16-byte accesses: 8 of them for 8 bf16.
template <int Width, class T>
__device__ inline Pack<T, Width> load_words(const T* p) {
  constexpr int kPart = Width < kPack<T> ? Width : kPack<T>;
  Pack<T, Width> to;
  for (int i = 0; i < Width; i += kPart) {
    const auto part = load<kPart>(p + i);
    for (int j = 0; j < kPart; ++j) to.at[i + j] = part.at[j];
  }
  return to;
}
template <int Width, class T>
__device__ inline void store_words(T* p, const Pack<T, Width>& values) {
  constexpr int kPart = Width < kPack<T> ? Width : kPack<T>;
  for (int i = 0; i < Width; i += kPart) {
    Pack<T, kPart> part;
    for (int j = 0; j < kPart; ++j) part.at[j] = values.at[i + j];
    store(p + i, part);
  }
}

/// Calls `body.template operator()<Width>()` with Width = 16 bytes of T when rows of `channels` numbers at
/// these addresses are aligned, else 1.
template <class T, class Body, class... P>
void with_width(std::int64_t channels, Body&& body, const P*... p) {
  if (channels % kPack<T> == 0 && pack_aligned(p...)) {
    body.template operator()<kPack<T>>();
  } else {
    body.template operator()<1>();
  }
}

}  // namespace salu::cuda
