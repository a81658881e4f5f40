// SPDX-License-Identifier: MIT
#include "core/ops/reduce.h"
#include "core/ops/select_token.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, std::int64_t index) {
  dispatch_float("select_token", x.dtype(), [&]<class T>() {
    const std::int64_t tokens = x.dim(1), d = x.dim(2);
    for (std::int64_t b = 0; b < x.dim(0); ++b) {
      const T* row = x.data<T>() + (b * tokens + index) * d;
      std::copy(row, row + d, y.data<T>() + b * d);
    }
  });
}

void backward(Tensor& dx, const Tensor& dy, std::int64_t index) {
  dispatch_float("select_token", dy.dtype(), [&]<class T>() {
    const std::int64_t batch = dx.dim(0), tokens = dx.dim(1), d = dx.dim(2);
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(batch, row_grain(batch, tokens * d), [=](std::int64_t begin, std::int64_t end) {
      std::fill(out + begin * tokens * d, out + end * tokens * d, T(0));
      for (std::int64_t b = begin; b < end; ++b) {
        std::copy(in + b * d, in + (b + 1) * d, out + (b * tokens + index) * d);
      }
    });
  });
}

}  // namespace

constinit SelectTokenKernels select_token_kernels{{"select_token_forward", forward},
                                                  {"select_token_backward", backward}};

}  // namespace salu
