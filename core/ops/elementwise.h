// SPDX-License-Identifier: MIT
/// The loop of the elementwise CPU ops.
#pragma once

#include "core/parallel.h"
#include "core/tensor.h"

namespace salu {

/// y[i] = f(x[i]...) for tensors of one shape and dtype T; f takes and gives Wide<T>.
template <class T, class F, class... Inputs>
void map_elements(Tensor& y, F f, const Inputs&... inputs) {
  T* out = y.data<T>();
  [&](const auto*... in) {
    parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = T(f(Wide<T>(in[i])...));
    });
  }(inputs.template data<T>()...);
}

}  // namespace salu
