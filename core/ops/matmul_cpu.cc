// SPDX-License-Identifier: MIT
#include "core/ops/matmul.h"
#include "core/ops/product.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_float("matmul", y.dtype(), [&]<class T>() {
    const std::int64_t m = a.dim(0), k = a.dim(1), n = b.dim(1);
    product<T>(false, false, m, n, k, a.data<T>(), k, b.data<T>(), n, 0, y.data<T>(), n);
  });
}

void backward_a(Tensor& da, const Tensor& dy, const Tensor& b) {
  dispatch_float("matmul", dy.dtype(), [&]<class T>() {
    const std::int64_t m = dy.dim(0), k = b.dim(0), n = b.dim(1);  // (M,N) x (K,N)^T -> (M,K)
    product<T>(false, true, m, k, n, dy.data<T>(), n, b.data<T>(), n, 0, da.data<T>(), k);
  });
}

void backward_b(Tensor& db, const Tensor& dy, const Tensor& a) {
  dispatch_float("matmul", dy.dtype(), [&]<class T>() {
    const std::int64_t m = a.dim(0), k = a.dim(1), n = dy.dim(1);  // (M,K)^T x (M,N) -> (K,N)
    product<T>(true, false, k, n, m, a.data<T>(), k, dy.data<T>(), n, 0, db.data<T>(), n);
  });
}

}  // namespace

constinit MatmulKernels matmul_kernels{
    {"matmul_forward", forward}, {"matmul_backward_a", backward_a}, {"matmul_backward_b", backward_b}};

}  // namespace salu
