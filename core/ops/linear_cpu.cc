// SPDX-License-Identifier: MIT
#include "core/ops/linear.h"
#include "core/ops/product.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  dispatch_float("linear", x.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(x), c = w.dim(1), n = w.dim(0);
    T* out = y.data<T>();
    if (b.defined()) {  // the product is added to it
      const T* first = b.data<T>();
      parallel_for(m, row_grain(m, n), [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) std::copy(first, first + n, out + i * n);
      });
    }
    const T beta = b.defined() ? T(1) : T(0);  // (M,C) x (N,C)^T -> (M,N)
    product<T>(false, true, m, n, c, x.data<T>(), c, w.data<T>(), c, beta, out, n);
  });
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w) {
  dispatch_float("linear", dy.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(dy), c = w.dim(1), n = w.dim(0);  // (M,N) x (N,C) -> (M,C)
    product<T>(false, false, m, c, n, dy.data<T>(), n, w.data<T>(), c, 0, dx.data<T>(), c);
  });
}

void backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x) {
  dispatch_float("linear", dy.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(x), c = dw.dim(1), n = dw.dim(0);  // (M,N)^T x (M,C) -> (N,C)
    product<T>(true, false, n, c, m, dy.data<T>(), n, x.data<T>(), c, 1, dw.data<T>(), c);
  });
}

void backward_bias(Tensor& db, const Tensor& dy) {
  dispatch_float("linear", dy.dtype(), [&]<class T>() {
    const auto sums = column_sums(rows_of(dy), db.numel(), dy.data<T>());
    add_sums<T>(&db, sums.data());
  });
}

}  // namespace

constinit LinearKernels linear_kernels{{"linear_forward", forward},
                                       {"linear_backward_input", backward_input},
                                       {"linear_backward_weight", backward_weight},
                                       {"linear_backward_bias", backward_bias}};

}  // namespace salu
