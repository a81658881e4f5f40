// SPDX-License-Identifier: MIT
#include "core/ops/bias.h"
#include "core/ops/linear.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/gemm.h"

namespace salu::cuda {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
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

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w) {
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

void backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x) {
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

void backward_bias(Tensor& db, const Tensor& dy) { bias_kernels.backward(dy.device(), db, dy); }

}  // namespace

void register_linear() {
  linear_kernels.forward.set(DeviceType::cuda, forward);
  linear_kernels.backward_input.set(DeviceType::cuda, backward_input);
  linear_kernels.backward_weight.set(DeviceType::cuda, backward_weight);
  linear_kernels.backward_bias.set(DeviceType::cuda, backward_bias);
}

}  // namespace salu::cuda
