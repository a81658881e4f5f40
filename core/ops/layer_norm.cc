// SPDX-License-Identifier: MIT
#include <cmath>

#include "core/ops/norms.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void check_rows(const Tensor& x) {
  check(x.shape().rank() >= 1 && x.dim(-1) > 0, "[layer_norm] expected x (...,C) with C >= 1, got {}",
        x.shape().str());
}

template <class T>
Wide<T> row_mean(const T* x, std::int64_t n) {
  Wide<T> sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < n; ++c) sum += x[c];
  return sum / static_cast<Wide<T>>(n);
}

template <class T>
Wide<T> row_variance(const T* x, Wide<T> mean, std::int64_t n) {
  Wide<T> sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < n; ++c) sum += (x[c] - mean) * (x[c] - mean);
  return sum / static_cast<Wide<T>>(n);
}

void layer_norm_forward_cpu(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                            double eps) {
  dispatch_elements("layer_norm", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t n = x.dim(-1), rows = rows_of(x);
    const T* in = x.data<T>();
    const W *scale = gamma.data<W>(), *shift = beta.data<W>();
    T* out = result.y.data<T>();
    W *means = result.saved.mean.data<W>(), *rstds = result.saved.rstd.data<W>();
    parallel_for(rows, row_grain(rows, n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* row = in + i * n;
        const W mean = row_mean(row, n);
        const W rstd = 1 / std::sqrt(row_variance(row, mean, n) + static_cast<W>(eps));
        means[i] = mean;
        rstds[i] = rstd;
        for (std::int64_t c = 0; c < n; ++c) out[i * n + c] = T((row[c] - mean) * rstd * scale[c] + shift[c]);
      }
    });
  });
}

/// One row of C numbers, and its statistics.
template <class T>
struct Row {
  using W = Wide<T>;
  const T *dy, *x;
  const W* gamma;
  W mean, rstd;
  std::int64_t n;

  /// block[0..C) += dy h, block[C..2C) += dy
  void add_sums(W* block) const {
    W* plain = block + n;
    for (std::int64_t c = 0; c < n; ++c) {
      block[c] += dy[c] * (x[c] - mean) * rstd;
      plain[c] += dy[c];
    }
  }

  void write_gradient(T* dx) const {
    W g = 0, gh = 0;
#pragma omp simd reduction(+ : g, gh)
    for (std::int64_t c = 0; c < n; ++c) {
      g += dy[c] * gamma[c];
      gh += dy[c] * gamma[c] * ((x[c] - mean) * rstd);
    }
    g /= static_cast<W>(n);
    gh /= static_cast<W>(n);
    for (std::int64_t c = 0; c < n; ++c) {
      dx[c] = T(rstd * (dy[c] * gamma[c] - g - (x[c] - mean) * rstd * gh));
    }
  }
};

void layer_norm_backward_cpu(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x,
                             const Tensor& gamma, const NormStatistics& saved) {
  dispatch_elements("layer_norm", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t n = x.dim(-1), rows = rows_of(x);
    const T *up = dy.data<T>(), *in = x.data<T>();
    const W *scale = gamma.data<W>(), *means = saved.mean.data<W>(), *rstds = saved.rstd.data<W>();
    T* out = dx.data<T>();
    const auto sums = column_sums<W>(rows, n, 2 * n, [=](std::int64_t i, W* block) {
      const Row<T> row{up + i * n, in + i * n, scale, means[i], rstds[i], n};
      row.add_sums(block);
      row.write_gradient(out + i * n);
    });
    add_sums<T>(wanted.gamma, sums.data());
    add_sums<T>(wanted.beta, sums.data() + n);
  });
}

}  // namespace

constinit NormKernels layer_norm_kernels{{"layer_norm_forward", layer_norm_forward_cpu},
                                         {"layer_norm_backward", layer_norm_backward_cpu}};

NormResult layer_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  check_rows(x);
  check_channels("layer_norm", "gamma", gamma, x);
  check_channels("layer_norm", "beta", beta, x);
  const auto rows = [&] {
    return Tensor::empty({x.numel() / x.dim(-1)}, parameter_dtype(x.dtype()), x.device());
  };
  NormResult result{Tensor::empty(x.shape(), x.dtype(), x.device()), {rows(), rows()}};
  layer_norm_kernels.forward(x.device(), result, x, gamma, beta, eps);
  return result;
}

Tensor layer_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, NormSums sums) {
  check_rows(x);
  check_like("layer_norm", x, dy);
  check_norm_backward("layer_norm", x, gamma, saved, {x.numel() / x.dim(-1)}, sums);
  return like(layer_norm_kernels.backward, x, sums, dy, x, gamma, saved);
}

}  // namespace salu
