// SPDX-License-Identifier: MIT
#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "core/ops/softmax_row.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("softmax", x.dtype(), [&]<class T>() {
    const std::int64_t n = x.dim(-1);
    if (n == 0) return;
    const T* in = x.data<T>();
    T* out = y.data<T>();
    parallel_for(rows_of(x), row_grain(rows_of(x), n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) softmax_row(out + row * n, in + row * n, n);
    });
  });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_float("softmax", y.dtype(), [&]<class T>() {
    const std::int64_t n = y.dim(-1);
    const T *p = y.data<T>(), *upstream = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(rows_of(y), row_grain(rows_of(y), n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T *prob = p + row * n, *g = upstream + row * n;
        double dot = 0;
        for (std::int64_t c = 0; c < n; ++c) dot += static_cast<double>(g[c]) * static_cast<double>(prob[c]);
        for (std::int64_t c = 0; c < n; ++c) out[row * n + c] = prob[c] * (g[c] - static_cast<T>(dot));
      }
    });
  });
}

}  // namespace

constinit SoftmaxKernels softmax_kernels{{"softmax_forward", forward}, {"softmax_backward", backward}};

}  // namespace salu
