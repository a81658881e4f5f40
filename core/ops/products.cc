// SPDX-License-Identifier: MIT
#include "core/ops/products.h"

#include "core/ops/amx.h"
#include "core/ops/gemm.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

/// Throws unless a and b are matrices of one dtype and device whose dimensions `i` and `j` agree.
void check_pair(const Tensor& a, const Tensor& b, int i, int j) {
  check(a.shape().rank() == 2 && b.shape().rank() == 2 && a.dim(i) == b.dim(j),
        "[matmul] expected (M,K) and (K,N), got {} and {}", a.shape().str(), b.shape().str());
  check(a.dtype() == b.dtype() && a.device() == b.device(), "[matmul] expected {} on {}, got {} on {}",
        dtype_name(a.dtype()), a.device().str(), dtype_name(b.dtype()), b.device().str());
}

void matmul_forward_cpu(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_elements("matmul", y.dtype(), [&]<class T>() {
    const std::int64_t m = a.dim(0), k = a.dim(1), n = b.dim(1);
    product<T>(false, false, m, n, k, a.data<T>(), k, b.data<T>(), n, 0, y.data<T>(), n);
  });
}

void matmul_backward_a_cpu(Tensor& da, const Tensor& dy, const Tensor& b) {
  dispatch_elements("matmul", dy.dtype(), [&]<class T>() {
    const std::int64_t m = dy.dim(0), k = b.dim(0), n = b.dim(1);  // (M,N) x (K,N)^T -> (M,K)
    product<T>(false, true, m, k, n, dy.data<T>(), n, b.data<T>(), n, 0, da.data<T>(), k);
  });
}

void matmul_backward_b_cpu(Tensor& db, const Tensor& dy, const Tensor& a) {
  dispatch_elements("matmul", dy.dtype(), [&]<class T>() {
    const std::int64_t m = a.dim(0), k = a.dim(1), n = dy.dim(1);  // (M,K)^T x (M,N) -> (K,N)
    product<T>(true, false, k, n, m, a.data<T>(), k, dy.data<T>(), n, 0, db.data<T>(), n);
  });
}

}  // namespace

constinit MatmulKernels matmul_kernels{{"matmul_forward", matmul_forward_cpu},
                                       {"matmul_backward_a", matmul_backward_a_cpu},
                                       {"matmul_backward_b", matmul_backward_b_cpu}};

Tensor matmul_forward(const Tensor& a, const Tensor& b) {
  check_pair(a, b, 1, 0);
  return shaped(matmul_kernels.forward, {a.dim(0), b.dim(1)}, a, a, b);
}

Tensor matmul_backward_a(const Tensor& dy, const Tensor& b) {
  check_pair(dy, b, 1, 1);
  return shaped(matmul_kernels.backward_a, {dy.dim(0), b.dim(0)}, dy, dy, b);
}

Tensor matmul_backward_b(const Tensor& dy, const Tensor& a) {
  check_pair(a, dy, 0, 0);
  return shaped(matmul_kernels.backward_b, {a.dim(1), dy.dim(1)}, dy, dy, a);
}

namespace {

/// Throws unless the last dimension of `t` is dimension `i` of w (N,C).
void check_columns(const char* name, const Tensor& t, const Tensor& w, int i) {
  check(w.shape().rank() == 2 && t.shape().rank() >= 1 && t.dim(-1) == w.dim(i),
        "[linear] expected {} (...,{}) for w (N,C), got {} {} and w {}", name, i == 0 ? "N" : "C", name,
        t.shape().str(), w.shape().str());
}

/// check_columns(), and w has the dtype and device of t.
void check_weight(const char* name, const Tensor& t, const Tensor& w, int i) {
  check_columns(name, t, w, i);
  check(t.dtype() == w.dtype() && t.device() == w.device(), "[linear] expected w {} on {}, got {} on {}",
        dtype_name(t.dtype()), t.device().str(), dtype_name(w.dtype()), w.device().str());
}

void linear_forward_cpu(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  if (amx::supports(x, rows_of(x))) return amx::linear_forward(y, x, w, b);
  dispatch_elements("linear", x.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(x), c = w.dim(1), n = w.dim(0);
    const Wide<T>* bias = b.defined() ? b.data<Wide<T>>() : nullptr;  // (M,C) x (N,C)^T -> (M,N)
    product<T>(false, true, m, n, c, x.data<T>(), c, w.data<T>(), c, 0, y.data<T>(), n, bias);
  });
}

void linear_backward_input_cpu(Tensor& dx, const Tensor& dy, const Tensor& w) {
  if (amx::supports(dy, rows_of(dy))) return amx::linear_backward_input(dx, dy, w);
  dispatch_elements("linear", dy.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(dy), c = w.dim(1), n = w.dim(0);  // (M,N) x (N,C) -> (M,C)
    product<T>(false, false, m, c, n, dy.data<T>(), n, w.data<T>(), c, 0, dx.data<T>(), c);
  });
}

void linear_backward_weight_cpu(Tensor& dw, const Tensor& dy, const Tensor& x) {
  if (amx::supports(dy, rows_of(dy))) return amx::linear_backward_weight(dw, dy, x);
  dispatch_elements("linear", dy.dtype(), [&]<class T>() {
    const std::int64_t m = rows_of(x), c = dw.dim(1), n = dw.dim(0);  // (M,N)^T x (M,C) -> (N,C)
    product<T>(true, false, n, c, m, dy.data<T>(), n, x.data<T>(), c, 1, dw.data<Wide<T>>(), c);
  });
}

void linear_backward_bias_cpu(Tensor& db, const Tensor& dy) {
  dispatch_elements("linear", dy.dtype(), [&]<class T>() {
    const auto sums = column_sums(rows_of(dy), db.numel(), dy.data<T>());
    add_sums<T>(&db, sums.data());
  });
}

}  // namespace

constinit LinearKernels linear_kernels{{"linear_forward", linear_forward_cpu},
                                       {"linear_backward_input", linear_backward_input_cpu},
                                       {"linear_backward_weight", linear_backward_weight_cpu},
                                       {"linear_backward_bias", linear_backward_bias_cpu}};

Tensor linear_forward(const Tensor& x, const Tensor& w, const Tensor& b) {
  check_weight("x", x, w, 1);
  if (b.defined()) {
    check_shape("linear", "b", b, {w.dim(0)});
    check_parameter("linear", "b", b, x);
  }
  return shaped(linear_kernels.forward, x.shape().with(-1, w.dim(0)), x, x, w, b);
}

Tensor linear_backward_input(const Tensor& dy, const Tensor& w) {
  check_weight("dy", dy, w, 0);
  return shaped(linear_kernels.backward_input, dy.shape().with(-1, w.dim(1)), dy, dy, w);
}

void linear_backward_weight(const Tensor& dy, const Tensor& x, Tensor& dw) {
  check_columns("x", x, dw, 1);
  check_shape("linear", "dy", dy, x.shape().with(-1, dw.dim(0)));
  check(dy.dtype() == x.dtype() && dy.device() == x.device(), "[linear] expected dy {} on {}, got {} on {}",
        dtype_name(x.dtype()), x.device().str(), dtype_name(dy.dtype()), dy.device().str());
  check_parameter("linear", "dw", dw, x);
  linear_kernels.backward_weight(dy.device(), dw, dy, x);
}

void linear_backward_bias(const Tensor& dy, Tensor& db) {
  check_shape("linear", "db", db, {dy.dim(-1)});
  check_parameter("linear", "db", db, dy);
  linear_kernels.backward_bias(dy.device(), db, dy);
}

}  // namespace salu
