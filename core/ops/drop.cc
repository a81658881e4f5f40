// SPDX-License-Identifier: MIT
#include "core/ops/drop.h"

#include "core/ops/reduce.h"
#include "core/parallel.h"

namespace salu {
namespace {

void dropout_forward_cpu(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  static_assert(kElementwiseGrain % 4 == 0, "a chunk starts with a block");
  dispatch_elements("dropout", x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.data<T>();
    const auto scale = static_cast<Wide<T>>(1 / (1 - p));
    const float threshold = static_cast<float>(p);
    parallel_for(x.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t first = begin; first < end; first += 4) {
        const PhiloxBlock bits = key.block(static_cast<std::uint32_t>(first / 4));
        for (std::int64_t i = first; i < std::min(first + 4, end); ++i) {
          const bool keep = to_uniform(bits[static_cast<std::size_t>(i - first)]) >= threshold;
          out[i] = T(keep ? scale * Wide<T>(in[i]) : Wide<T>(0));
        }
      }
    });
  });
}

}  // namespace

constinit DropoutKernels dropout_kernels{{"dropout_forward", dropout_forward_cpu}};

Tensor dropout_forward(const Tensor& x, double p, const RandomKey& key) {
  check(p >= 0 && p < 1, "[dropout] expected p in [0,1), got {}", p);
  if (p == 0) return x;
  return like(dropout_kernels.forward, x, x, p, key);
}

namespace {

void drop_path_forward_cpu(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  if (x.numel() == 0) return;
  dispatch_elements("drop_path", x.dtype(), [&]<class T>() {
    const std::int64_t size = x.numel() / x.dim(0);  // elements of one sample
    const T* in = x.data<T>();
    T* out = y.data<T>();
    const auto scale = static_cast<Wide<T>>(1 / (1 - p));
    const float threshold = static_cast<float>(p);
    parallel_for(x.dim(0), row_grain(x.dim(0), size), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const PhiloxBlock bits = key.block(static_cast<std::uint32_t>(b / 4));
        const bool keep = to_uniform(bits[static_cast<std::size_t>(b % 4)]) >= threshold;
        for (std::int64_t i = b * size; i < (b + 1) * size; ++i)
          out[i] = T(keep ? scale * Wide<T>(in[i]) : Wide<T>(0));
      }
    });
  });
}

}  // namespace

constinit DropPathKernels drop_path_kernels{{"drop_path_forward", drop_path_forward_cpu}};

Tensor drop_path_forward(const Tensor& x, double p, const RandomKey& key) {
  check(p >= 0 && p < 1, "[drop_path] expected p in [0,1), got {}", p);
  check(x.shape().rank() >= 1, "[drop_path] expected rank >= 1, got {}", x.shape().str());
  if (p == 0) return x;
  return like(drop_path_kernels.forward, x, x, p, key);
}

}  // namespace salu
