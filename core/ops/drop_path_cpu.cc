// SPDX-License-Identifier: MIT
#include "core/ops/drop_path.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  if (x.numel() == 0) return;
  dispatch_float("drop_path", x.dtype(), [&]<class T>() {
    const std::int64_t size = x.numel() / x.dim(0);  // elements of one sample
    const T* in = x.data<T>();
    T* out = y.data<T>();
    const T scale = static_cast<T>(1 / (1 - p));
    const float threshold = static_cast<float>(p);
    parallel_for(x.dim(0), row_grain(x.dim(0), size), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const PhiloxBlock bits = key.block(static_cast<std::uint32_t>(b / 4));
        const bool keep = to_uniform(bits[static_cast<std::size_t>(b % 4)]) >= threshold;
        for (std::int64_t i = b * size; i < (b + 1) * size; ++i) out[i] = keep ? scale * in[i] : T(0);
      }
    });
  });
}

}  // namespace

constinit DropPathKernels drop_path_kernels{{"drop_path_forward", forward}};

}  // namespace salu
