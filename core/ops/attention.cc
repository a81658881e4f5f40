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
  dispatch_elements("attention", qkv.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const Heads at(qkv, log_sum);
    const std::int64_t t = at.tokens, d = at.d, h = at.head;
    const T* in = qkv.data<T>();
    T* out = y.data<T>();
    W* logs = log_sum.data<W>();
    const W factor = static_cast<W>(scale);
    at.each<W>(1, [=](std::int64_t i, W* p) {
      const T* first = in + at.in(i);
      const WideInput<T> q(first, t, h, 3 * d), k(first + d, t, h, 3 * d), v(first + 2 * d, t, h, 3 * d);
      WideOutput<T> mixed(out + at.out(i), t, h, d);
      const std::int64_t row = q.row_length(), y_row = mixed.row_length();
      gemm<W>(false, true, t, t, h, factor, q.data(), row, k.data(), row, 0, p, t);  // (T,h) (T,h)^T
      for (std::int64_t r = 0; r < t; ++r) {
        logs[i * t + r] = static_cast<W>(softmax_row(p + r * t, p + r * t, t));
      }
      gemm<W>(false, false, t, h, t, 1, p, t, v.data(), row, 0, mixed.data(), y_row);  // (T,T) (T,h)
      mixed.store();
    });
  });
}

void attention_backward_cpu(Tensor& dqkv, const Tensor& dy, const Tensor& qkv, const Tensor& log_sum,
                            double scale) {
  dispatch_elements("attention", qkv.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const Heads at(qkv, log_sum);
    const std::int64_t t = at.tokens, d = at.d, h = at.head;
    const T *in = qkv.data<T>(), *upstream = dy.data<T>();
    const W* logs = log_sum.data<W>();
    const W factor = static_cast<W>(scale);
    T* out = dqkv.data<T>();
    at.each<W>(2, [=](std::int64_t i, W* p) {
      W* ds = p + t * t;
      const T* first = in + at.in(i);
      const WideInput<T> q(first, t, h, 3 * d), k(first + d, t, h, 3 * d), v(first + 2 * d, t, h, 3 * d);
      const WideInput<T> grad(upstream + at.out(i), t, h, d);
      T* begin = out + at.in(i);
      WideOutput<T> dq(begin, t, h, 3 * d), dk(begin + d, t, h, 3 * d), dv(begin + 2 * d, t, h, 3 * d);
      const std::int64_t row = q.row_length(), g = grad.row_length();
      gemm<W>(false, true, t, t, h, factor, q.data(), row, k.data(), row, 0, p, t);  // (T,h) (T,h)^T, scores
      gemm<W>(false, true, t, t, h, 1, grad.data(), g, v.data(), row, 0, ds, t);     // (T,h) (T,h)^T, dp
      for (std::int64_t r = 0; r < t; ++r) {
        softmax_backward_row(p + r * t, ds + r * t, logs[i * t + r], t);
      }
      gemm<W>(true, false, t, h, t, 1, p, t, grad.data(), g, 0, dv.data(), row);        // (T,T)^T (T,h)
      gemm<W>(false, false, t, h, t, factor, ds, t, k.data(), row, 0, dq.data(), row);  // (T,T) (T,h)
      gemm<W>(true, false, t, h, t, factor, ds, t, q.data(), row, 0, dk.data(), row);   // (T,T)^T (T,h)
      for (WideOutput<T>* part : {&dq, &dk, &dv}) part->store();
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
