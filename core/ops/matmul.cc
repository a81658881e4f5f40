// SPDX-License-Identifier: MIT
#include "core/ops/matmul.h"

namespace salu {
namespace {

/// Two matrices of one dtype and device whose dimensions `i` and `j` agree.
void check_pair(const Tensor& a, const Tensor& b, int i, int j) {
  check(a.shape().rank() == 2 && b.shape().rank() == 2 && a.dim(i) == b.dim(j),
        "[matmul] expected (M,K) and (K,N), got {} and {}", a.shape().str(), b.shape().str());
  check(a.dtype() == b.dtype() && a.device() == b.device(), "[matmul] expected {} on {}, got {} on {}",
        dtype_name(a.dtype()), a.device().str(), dtype_name(b.dtype()), b.device().str());
}

}  // namespace

Tensor matmul_forward(const Tensor& a, const Tensor& b) {
  check_pair(a, b, 1, 0);
  Tensor y = Tensor::empty({a.dim(0), b.dim(1)}, a.dtype(), a.device());
  matmul_kernels.forward(a.device(), y, a, b);
  return y;
}

Tensor matmul_backward_a(const Tensor& dy, const Tensor& b) {
  check_pair(dy, b, 1, 1);
  Tensor da = Tensor::empty({dy.dim(0), b.dim(0)}, dy.dtype(), dy.device());
  matmul_kernels.backward_a(dy.device(), da, dy, b);
  return da;
}

Tensor matmul_backward_b(const Tensor& dy, const Tensor& a) {
  check_pair(a, dy, 0, 0);
  Tensor db = Tensor::empty({a.dim(1), dy.dim(1)}, dy.dtype(), dy.device());
  matmul_kernels.backward_b(dy.device(), db, dy, a);
  return db;
}

}  // namespace salu
