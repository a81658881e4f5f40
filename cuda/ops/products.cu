// SPDX-License-Identifier: MIT
#include "core/ops/arithmetic.h"
#include "core/ops/products.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/gemm.h"

namespace salu::cuda {
namespace {

void matmul_forward(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_activation("matmul", y.dtype(), [&]<class T>() {
    const std::int64_t m = a.dim(0), k = a.dim(1), n = b.dim(1);
    gemm<T, T>({.m = m,
                .n = n,
                .k = k,
                .a = {a.data<T>(), k},
                .b = {b.data<T>(), n},
                .c = y.data<T>(),
                .c_pitch = n});
  });
}

void matmul_backward_a(Tensor& da, const Tensor& dy, const Tensor& b) {
  dispatch_activation("matmul", dy.dtype(), [&]<class T>() {
    const std::int64_t m = dy.dim(0), k = b.dim(0), n = b.dim(1);  // (M,N) x (K,N)^T -> (M,K)
    gemm<T, T>({.m = m,
                .n = k,
                .k = n,
                .a = {dy.data<T>(), n},
                .b = {b.data<T>(), n, true},
                .c = da.data<T>(),
                .c_pitch = k});
  });
}

void matmul_backward_b(Tensor& db, const Tensor& dy, const Tensor& a) {
  dispatch_activation("matmul", dy.dtype(), [&]<class T>() {
    const std::int64_t m = a.dim(0), k = a.dim(1), n = dy.dim(1);  // (M,K)^T x (M,N) -> (K,N)
    gemm<T, T>({.m = k,
                .n = n,
                .k = m,
                .a = {a.data<T>(), k, true},
                .b = {dy.data<T>(), n},
                .c = db.data<T>(),
                .c_pitch = n});
  });
}

void linear_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  dispatch_activation("linear", x.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(x), c = w.dim(1), n = w.dim(0);  // (M,C) x (N,C)^T -> (M,N)
    gemm<T, T>({.m = m,
                .n = n,
                .k = c,
                .a = {x.data<T>(), c},
                .b = {w.data<T>(), c, true},
                .c = y.data<T>(),
                .c_pitch = n,
                .bias = b.defined() ? b.data<float>() : nullptr});
  });
}

void linear_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w) {
  dispatch_activation("linear", dy.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(dy), c = w.dim(1), n = w.dim(0);  // (M,N) x (N,C) -> (M,C)
    gemm<T, T>({.m = m,
                .n = c,
                .k = n,
                .a = {dy.data<T>(), n},
                .b = {w.data<T>(), c},
                .c = dx.data<T>(),
                .c_pitch = c});
  });
}

void linear_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x) {
  dispatch_activation("linear", dy.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(x), c = dw.dim(1), n = dw.dim(0);  // (M,N)^T x (M,C) -> (N,C)
    gemm<T, float>({.m = n,
                    .n = c,
                    .k = m,
                    .a = {dy.data<T>(), n, true},
                    .b = {x.data<T>(), c},
                    .c = dw.data<float>(),
                    .c_pitch = c,
                    .beta = 1});
  });
}

void linear_backward_bias(Tensor& db, const Tensor& dy) { bias_kernels.backward(dy.device(), db, dy); }

}  // namespace

void register_products() {
  matmul_kernels.forward.set(DeviceType::cuda, matmul_forward);
  matmul_kernels.backward_a.set(DeviceType::cuda, matmul_backward_a);
  matmul_kernels.backward_b.set(DeviceType::cuda, matmul_backward_b);
  linear_kernels.forward.set(DeviceType::cuda, linear_forward);
  linear_kernels.backward_input.set(DeviceType::cuda, linear_backward_input);
  linear_kernels.backward_weight.set(DeviceType::cuda, linear_backward_weight);
  linear_kernels.backward_bias.set(DeviceType::cuda, linear_backward_bias);
}

}  // namespace salu::cuda
