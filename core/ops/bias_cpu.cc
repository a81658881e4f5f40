// SPDX-License-Identifier: MIT
#include "core/ops/bias.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& b) {
  dispatch_float("bias", x.dtype(), [&]<class T>() {
    const std::int64_t channels = x.dim(-1);
    const T *in = x.data<T>(), *offset = b.data<T>();
    T* out = y.data<T>();
    parallel_for(rows_of(x), row_grain(rows_of(x), channels), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T* from = in + row * channels;
        T* to = out + row * channels;
        for (std::int64_t c = 0; c < channels; ++c) to[c] = from[c] + offset[c];
      }
    });
  });
}

void backward(Tensor& db, const Tensor& dy) {
  dispatch_float("bias", dy.dtype(), [&]<class T>() {
    const std::int64_t channels = dy.dim(-1);
    const T* upstream = dy.data<T>();
    const auto sums = column_sums(rows_of(dy), channels, upstream);
    add_sums<T>(&db, sums.data());
  });
}

}  // namespace

constinit BiasKernels bias_kernels{{"bias_forward", forward}, {"bias_backward", backward}};

}  // namespace salu
