// SPDX-License-Identifier: MIT
#include "core/ops/attention.h"
#include "core/ops/gemm.h"
#include "core/ops/reduce.h"
#include "core/ops/softmax_row.h"

namespace salu {
namespace {

/// Sizes, and where a head lies: its q, k, v are columns of qkv, so products read them in place with rows of
/// 3D numbers.
struct Heads {
  std::int64_t batch, heads, tokens, d, head;  // head: D/heads

  Heads(const Tensor& qkv, const Tensor& log_sum)
      : batch(qkv.dim(0)), heads(log_sum.dim(1)), tokens(qkv.dim(1)), d(qkv.dim(2) / 3), head(d / heads) {}

  std::int64_t in(std::int64_t i) const { return i / heads * tokens * 3 * d + i % heads * head; }  ///< in qkv
  std::int64_t out(std::int64_t i) const { return i / heads * tokens * d + i % heads * head; }     ///< in y

  /// Calls `body(i)` for each head i of each sample; `scratch` matrices (T,T) are its own to write.
  template <class T, class Body>
  void each(std::int64_t scratch, Body&& body) const {
    const std::int64_t square = tokens * tokens;
    parallel_for(batch * heads, row_grain(batch * heads, square), [&](std::int64_t begin, std::int64_t end) {
      std::vector<T> memory(static_cast<std::size_t>(scratch * square));
      for (std::int64_t i = begin; i < end; ++i) body(i, memory.data());
    });
  }
};

/// Row of scores -> p, and row of dp -> ds, both in place.
template <class T>
void softmax_backward_row(T* s, T* dp, T log_sum, std::int64_t n) {
  T dot = 0;
  exp_row(s, s, log_sum, n);
#pragma omp simd reduction(+ : dot)
  for (std::int64_t j = 0; j < n; ++j) dot += s[j] * dp[j];
  for (std::int64_t j = 0; j < n; ++j) dp[j] = s[j] * (dp[j] - dot);
}

void forward(Tensor& y, Tensor& log_sum, const Tensor& qkv, double scale) {
  dispatch_float("attention", qkv.dtype(), [&]<class T>() {
    const Heads at(qkv, log_sum);
    const std::int64_t t = at.tokens, d = at.d, h = at.head;
    const T* in = qkv.data<T>();
    T *out = y.data<T>(), *logs = log_sum.data<T>();
    at.each<T>(1, [=](std::int64_t i, T* p) {
      const T *q = in + at.in(i), *k = q + d, *v = k + d;
      gemm<T>(false, true, t, t, h, static_cast<T>(scale), q, 3 * d, k, 3 * d, 0, p, t);  // (T,h) (T,h)^T
      for (std::int64_t r = 0; r < t; ++r) {
        logs[i * t + r] = static_cast<T>(softmax_row(p + r * t, p + r * t, t));
      }
      gemm<T>(false, false, t, h, t, 1, p, t, v, 3 * d, 0, out + at.out(i), d);  // (T,T) (T,h)
    });
  });
}

void backward(Tensor& dqkv, const Tensor& dy, const Tensor& qkv, const Tensor& log_sum, double scale) {
  dispatch_float("attention", qkv.dtype(), [&]<class T>() {
    const Heads at(qkv, log_sum);
    const std::int64_t t = at.tokens, d = at.d, h = at.head;
    const T *in = qkv.data<T>(), *grad = dy.data<T>(), *logs = log_sum.data<T>();
    const T factor = static_cast<T>(scale);
    T* out = dqkv.data<T>();
    at.each<T>(2, [=](std::int64_t i, T* p) {
      T* ds = p + t * t;
      const T *q = in + at.in(i), *k = q + d, *v = k + d, *g = grad + at.out(i);
      T *dq = out + at.in(i), *dk = dq + d, *dv = dk + d;
      gemm<T>(false, true, t, t, h, factor, q, 3 * d, k, 3 * d, 0, p, t);  // (T,h) (T,h)^T, scores
      gemm<T>(false, true, t, t, h, 1, g, d, v, 3 * d, 0, ds, t);          // (T,h) (T,h)^T, dp
      for (std::int64_t r = 0; r < t; ++r) {
        softmax_backward_row(p + r * t, ds + r * t, logs[i * t + r], t);
      }
      gemm<T>(true, false, t, h, t, 1, p, t, g, d, 0, dv, 3 * d);             // (T,T)^T (T,h)
      gemm<T>(false, false, t, h, t, factor, ds, t, k, 3 * d, 0, dq, 3 * d);  // (T,T) (T,h)
      gemm<T>(true, false, t, h, t, factor, ds, t, q, 3 * d, 0, dk, 3 * d);   // (T,T)^T (T,h)
    });
  });
}

}  // namespace

constinit AttentionKernels attention_kernels{{"attention_forward", forward},
                                             {"attention_backward", backward}};

}  // namespace salu
