// SPDX-License-Identifier: MIT
#include "core/ops/matmul.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/gemm.h"

namespace salu::cuda {
namespace {

void forward(Tensor& y, const Tensor& a, const Tensor& b) {
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

void backward_a(Tensor& da, const Tensor& dy, const Tensor& b) {
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

void backward_b(Tensor& db, const Tensor& dy, const Tensor& a) {
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

}  // namespace

void register_matmul() {
  matmul_kernels.forward.set(DeviceType::cuda, forward);
  matmul_kernels.backward_a.set(DeviceType::cuda, backward_a);
  matmul_kernels.backward_b.set(DeviceType::cuda, backward_b);
}

}  // namespace salu::cuda
