// SPDX-License-Identifier: MIT
#include "core/ops/linear.h"

namespace salu {
namespace {

/// `w` (N,C) fits a tensor whose last dimension must be dimension `i` of w.
void check_columns(const char* name, const Tensor& t, const Tensor& w, int i) {
  check(w.shape().rank() == 2 && t.shape().rank() >= 1 && t.dim(-1) == w.dim(i),
        "[linear] expected {} (...,{}) for w (N,C), got {} {} and w {}", name, i == 0 ? "N" : "C", name,
        t.shape().str(), w.shape().str());
}

/// The same for a weight, which has the dtype of activations.
void check_weight(const char* name, const Tensor& t, const Tensor& w, int i) {
  check_columns(name, t, w, i);
  check(t.dtype() == w.dtype() && t.device() == w.device(), "[linear] expected w {} on {}, got {} on {}",
        dtype_name(t.dtype()), t.device().str(), dtype_name(w.dtype()), w.device().str());
}

}  // namespace

Tensor linear_forward(const Tensor& x, const Tensor& w, const Tensor& b) {
  check_weight("x", x, w, 1);
  if (b.defined()) {
    check_shape("linear", "b", b, {w.dim(0)});
    check_parameter("linear", "b", b, x);
  }
  Tensor y = Tensor::empty(x.shape().with(-1, w.dim(0)), x.dtype(), x.device());
  linear_kernels.forward(x.device(), y, x, w, b);
  return y;
}

Tensor linear_backward_input(const Tensor& dy, const Tensor& w) {
  check_weight("dy", dy, w, 0);
  Tensor dx = Tensor::empty(dy.shape().with(-1, w.dim(1)), dy.dtype(), dy.device());
  linear_kernels.backward_input(dy.device(), dx, dy, w);
  return dx;
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
