// SPDX-License-Identifier: MIT
/// Kernels of the ops that compute each output element on its own, in float.
#pragma once

#include "core/tensor.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

/// `Width` elements per access; 1 when a tensor is not 16-byte aligned. Grid-stride loop. y may be an input.
template <int Width, class T, class F, class... In>
__global__ void map_elements_kernel(std::int64_t n, T* y, F f, const In*... in) {
  const std::int64_t step = global_threads() * Width;
  for (std::int64_t first = global_thread() * Width; first < n; first += step) {
    if (first + Width <= n) {
      const auto compute = [&](const auto&... pack) {
        Pack<T, Width> out;
        for (int i = 0; i < Width; ++i) out.at[i] = T(f(static_cast<float>(pack.at[i])...));
        *reinterpret_cast<Pack<T, Width>*>(y + first) = out;
      };
      compute(*reinterpret_cast<const Pack<In, Width>*>(in + first)...);
    } else {
      for (std::int64_t i = first; i < n; ++i) y[i] = T(f(static_cast<float>(in[i])...));
    }
  }
}

template <class T, class>
using Same = T;

/// y[i] = f(inputs[i]...) for tensors with y's shape and dtype. `F` is a struct with a __device__ operator()
/// on floats.
template <class F, class... Inputs>
void map_elements(const char* op, Tensor& y, F f, const Inputs&... inputs) {
  dispatch_activation(op, y.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      launch("map_elements_kernel", map_elements_kernel<Width, T, F, Same<T, Inputs>...>,
             cover_at_most(grid_blocks(8), y.numel(), 256, Width), y.numel(), y.data<T>(), f,
             inputs.template data<T>()...);
    };
    if (pack_aligned(y.data<T>(), inputs.template data<T>()...)) {
      run.template operator()<kPack<T>>();
    } else {
      run.template operator()<1>();
    }
  });
}

/// y[i] = f(i), for ops that gather. `F` holds the pointers it reads.
template <class T, class F>
__global__ void map_index_kernel(std::int64_t n, T* y, F f) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) y[i] = T(f(i));
}

template <class T, class F>
void map_index(Tensor& y, F f) {
  launch("map_index_kernel", map_index_kernel<T, F>, cover_at_most(grid_blocks(8), y.numel()), y.numel(),
         y.data<T>(), f);
}

}  // namespace salu::cuda
