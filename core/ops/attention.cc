// SPDX-License-Identifier: MIT
#include "core/ops/attention.h"

#include "core/ops/gemm.h"
#include "core/ops/reduce.h"
#include "core/ops/softmax_row.h"

namespace salu {
namespace {

/// Sizes, and the offsets of a head. Its q, k, v are columns of qkv, so products read them in place with a
/// row length of 3D.
struct Heads {
  std::int64_t batch, heads, tokens, d, head;  // head: D/heads

  Heads(const Tensor& qkv, const Tensor& log_sum)
      : batch(qkv.dim(0)), heads(log_sum.dim(1)), tokens(qkv.dim(1)), d(qkv.dim(2) / 3), head(d / heads) {}

  std::int64_t in(std::int64_t i) const { return i / heads * tokens * 3 * d + i % heads * head; }  ///< in qkv
  std::int64_t out(std::int64_t i) const { return i / heads * tokens * d + i % heads * head; }     ///< in y

  /// Calls `body(i)` for each head i of each sample, with `scratch` private (T,T) matrices.
  template <class T, class Body>
  void each(std::int64_t scratch, Body&& body) const {
    const std::int64_t square = tokens * tokens;
    parallel_for(batch * heads, row_grain(batch * heads, square), [&](std::int64_t begin, std::int64_t end) {
      std::vector<T> memory(static_cast<std::size_t>(scratch * square));
      for (std::int64_t i = begin; i < end; ++i) body(i, memory.data());
    });
  }
};

/// Turns a row of scores into p, and a row of dp into ds, both in place.
template <class T>
void softmax_backward_row(T* s, T* dp, T log_sum, std::int64_t n) {
  T dot = 0;
  exp_row(s, s, log_sum, n);
#pragma omp simd reduction(+ : dot)
  for (std::int64_t j = 0; j < n; ++j) dot += s[j] * dp[j];
  for (std::int64_t j = 0; j < n; ++j) dp[j] = s[j] * (dp[j] - dot);
}

void attention_forward_cpu(Tensor& y, Tensor& log_sum, const Tensor& qkv, double scale) {
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

void attention_backward_cpu(Tensor& dqkv, const Tensor& dy, const Tensor& qkv, const Tensor& log_sum,
                            double scale) {
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

constinit AttentionKernels attention_kernels{{"attention_forward", attention_forward_cpu},
                                             {"attention_backward", attention_backward_cpu}};

AttentionResult attention_forward(const Tensor& qkv, std::int64_t heads, double scale) {
  check(qkv.shape().rank() == 3 && heads > 0 && qkv.dim(2) % (3 * heads) == 0,
        "[attention] expected qkv (B,T,3D) with D divisible by {} heads, got {}", heads, qkv.shape().str());
  const std::int64_t batch = qkv.dim(0), tokens = qkv.dim(1);
  // The backward kernel needs 16 tokens of its six matrices in the shared memory of a block.
  check(qkv.device().type == DeviceType::cpu || qkv.dim(2) / (3 * heads) <= 256,
        "[attention] expected at most 256 numbers per head on {}, got {}", qkv.device().str(),
        qkv.dim(2) / (3 * heads));
  AttentionResult result{Tensor::empty({batch, tokens, qkv.dim(2) / 3}, qkv.dtype(), qkv.device()),
                         Tensor::empty({batch, heads, tokens}, parameter_dtype(qkv.dtype()), qkv.device())};
  attention_kernels.forward(qkv.device(), result.y, result.log_sum, qkv, scale);
  return result;
}

Tensor attention_backward(const Tensor& dy, const Tensor& qkv, const Tensor& log_sum, double scale) {
  check_shape("attention", "dy", dy, qkv.shape().with(2, qkv.dim(2) / 3));
  check_parameter("attention", "log_sum", log_sum, qkv);
  return like(attention_kernels.backward, qkv, dy, qkv, log_sum, scale);
}

}  // namespace salu
