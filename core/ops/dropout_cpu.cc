// SPDX-License-Identifier: MIT
#include "core/ops/dropout.h"
#include "core/parallel.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  static_assert(kElementwiseGrain % 4 == 0, "a chunk starts with a block");
  dispatch_float("dropout", x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.data<T>();
    const T scale = static_cast<T>(1 / (1 - p));
    const float threshold = static_cast<float>(p);
    parallel_for(x.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t first = begin; first < end; first += 4) {
        const PhiloxBlock bits = key.block(static_cast<std::uint32_t>(first / 4));
        for (std::int64_t i = first; i < std::min(first + 4, end); ++i) {
          out[i] = to_uniform(bits[static_cast<std::size_t>(i - first)]) >= threshold ? scale * in[i] : T(0);
        }
      }
    });
  });
}

}  // namespace

constinit DropoutKernels dropout_kernels{{"dropout_forward", forward}};

}  // namespace salu
