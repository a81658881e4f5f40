// SPDX-License-Identifier: MIT
/// The loop of the elementwise CPU ops.
#pragma once

#include "core/ops/reduce.h"
#include "core/simd/element_loops.h"
#include "core/simd/instruction_set.h"
#include "core/tensor.h"

namespace salu {

/// The loop of type `Loop` for elements of type T that suits this CPU best.
template <class T, class Loop>
Loop element_loop() {
  if constexpr (!std::is_same_v<T, double>) {
    if (best_instruction_set() >= InstructionSet::avx512) return std::get<Loop>(avx512::element_loops<T>());
    if (best_instruction_set() == InstructionSet::avx2) return std::get<Loop>(avx2::element_loops<T>());
  }
  return std::get<Loop>(baseline::element_loops<T>());
}

/// y[i] = f(x[i]...) for tensors of one shape and dtype T. The formula is listed in
/// core/simd/element_loops.h.
template <class T, class F, class... Inputs>
void map_elements(Tensor& y, const F& f, const Inputs&... inputs) {
  T* out = y.data<T>();
  [&]<class... In>(const In*... in) {
    const auto loop = element_loop<T, MapLoop<F, T, In...>>();
    parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      loop(end - begin, out + begin, f, in + begin...);
    });
  }(inputs.template data<T>()...);
}

/// y[i] = f(x[i], parameters[c]...) for tensors (...,C) and parameters (C).
template <class T, class F, class... Parameters>
void map_rows(Tensor& y, const F& f, const Tensor& x, const Parameters&... parameters) {
  const std::int64_t channels = x.dim(-1);
  const T* in = x.data<T>();
  T* out = y.data<T>();
  [&]<class... P>(const P*... p) {
    const auto loop = element_loop<T, MapLoop<F, T, T, P...>>();
    parallel_for(rows_of(x), row_grain(rows_of(x), channels), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * channels; i < end * channels; i += channels) {
        loop(channels, out + i, f, in + i, p...);
      }
    });
  }(parameters.template data<Wide<T>>()...);
}

}  // namespace salu
