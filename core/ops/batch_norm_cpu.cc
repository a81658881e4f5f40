// SPDX-License-Identifier: MIT
#include <cmath>

#include "core/ops/batch_norm.h"
#include "core/ops/norm_rows.h"

namespace salu {
namespace {

/// Mean and sum of squared deviations of each column, over `count` rows so far.
struct Moments {
  std::int64_t count = 0;
  std::vector<double> mean, squares;

  explicit Moments(std::int64_t columns)
      : mean(static_cast<std::size_t>(columns)), squares(static_cast<std::size_t>(columns)) {}

  /// Joins the moments of other rows (Chan et al. 1979): no difference of large sums, so no cancellation.
  template <class Number>
  void merge(std::int64_t other_count, const Number* other_mean, const Number* other_squares) {
    const auto n = static_cast<double>(count), m = static_cast<double>(other_count);
    const double share = m / (n + m), weight = n * share;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double delta = static_cast<double>(other_mean[c]) - mean[c];
      mean[c] += delta * share;
      squares[c] += static_cast<double>(other_squares[c]) + delta * delta * weight;
    }
    count += other_count;
  }
};

/// Adds rows [begin, end) of x, in blocks that stay in the cache for the second look at them.
template <class T>
void add_rows(Moments& moments, const T* x, std::int64_t begin, std::int64_t end, std::int64_t channels) {
  std::vector<T> memory(static_cast<std::size_t>(2 * channels));
  T *mean = memory.data(), *squares = mean + channels;
  for (std::int64_t first = begin; first < end; first += kSumBlock) {
    const std::int64_t rows = std::min(kSumBlock, end - first);
    const T *block = x + first * channels, *stop = block + rows * channels;
    std::fill(memory.begin(), memory.end(), T(0));
    for (const T* row = block; row != stop; row += channels) {
      for (std::int64_t c = 0; c < channels; ++c) mean[c] += row[c];
    }
    for (std::int64_t c = 0; c < channels; ++c) mean[c] *= T(1) / static_cast<T>(rows);
    for (const T* row = block; row != stop; row += channels) {
      for (std::int64_t c = 0; c < channels; ++c) squares[c] += (row[c] - mean[c]) * (row[c] - mean[c]);
    }
    moments.merge(rows, mean, squares);
  }
}

template <class T>
Moments column_moments(const T* x, std::int64_t rows, std::int64_t channels) {
  const std::int64_t grain = row_grain(rows, channels);
  std::vector<Moments> chunks(static_cast<std::size_t>((rows + grain - 1) / grain), Moments(channels));
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    add_rows(chunks[static_cast<std::size_t>(begin / grain)], x, begin, end, channels);
  });
  Moments total(channels);
  for (const Moments& chunk : chunks) total.merge(chunk.count, chunk.mean.data(), chunk.squares.data());
  return total;
}

/// Batch statistics into `saved`, and their share into the running ones.
template <class T>
void batch_statistics(NormStatistics& saved, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                      const BatchNormOptions& options) {
  const std::int64_t channels = x.dim(-1), rows = rows_of(x);
  const Moments moments = column_moments(x.data<T>(), rows, channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = moments.mean[static_cast<std::size_t>(c)];
    const double squares = moments.squares[static_cast<std::size_t>(c)];
    saved.mean.data<T>()[c] = static_cast<T>(mean);
    saved.rstd.data<T>()[c] =
        static_cast<T>(1 / std::sqrt(squares / static_cast<double>(rows) + options.eps));
    const auto follow = [&](Tensor& running, double value) {
      T& r = running.data<T>()[c];
      r = static_cast<T>((1 - options.momentum) * static_cast<double>(r) + options.momentum * value);
    };
    follow(running_mean, mean);
    follow(running_var, squares / static_cast<double>(rows - 1));
  }
}

void forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
             Tensor& running_mean, Tensor& running_var, BatchNormOptions options) {
  dispatch_float("batch_norm", x.dtype(), [&]<class T>() {
    const std::int64_t channels = x.dim(-1), rows = rows_of(x);
    T *mean = result.saved.mean.data<T>(), *rstd = result.saved.rstd.data<T>();
    if (options.training) {
      batch_statistics<T>(result.saved, running_mean, running_var, x, options);
    } else {
      const T *m = running_mean.data<T>(), *v = running_var.data<T>();
      for (std::int64_t c = 0; c < channels; ++c) {
        mean[c] = m[c];
        rstd[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(v[c]) + options.eps));
      }
    }
    std::vector<T> factor(gamma.data<T>(), gamma.data<T>() + channels);
    for (std::int64_t c = 0; c < channels; ++c) factor[static_cast<std::size_t>(c)] *= rstd[c];
    const NormMap<T> normalize{mean, factor.data(), beta.data<T>()};
    const T* in = x.data<T>();
    T* out = result.y.data<T>();
    parallel_for(rows, row_grain(rows, channels), [=](std::int64_t begin, std::int64_t end) {
      normalize(in + begin * channels, out + begin * channels, end - begin, channels);
    });
  });
}

void backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved, bool training) {
  dispatch_float("batch_norm", x.dtype(), [&]<class T>() {
    const std::int64_t channels = x.dim(-1), rows = rows_of(x);
    const T *up = dy.data<T>(), *in = x.data<T>(), *mean = saved.mean.data<T>();
    std::vector<double> sums = column_sums<T>(rows, channels, 2 * channels, [=](std::int64_t r, T* block) {
      add_gradient_row(up + r * channels, in + r * channels, mean, channels, block);
    });
    double *dbeta = sums.data(), *dgamma = dbeta + channels;
    std::vector<T> memory(static_cast<std::size_t>(3 * channels));
    T *factor = memory.data(), *offset = factor + channels, *slope = offset + channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto r = static_cast<double>(saved.rstd.data<T>()[c]);
      const double scale = static_cast<double>(gamma.data<T>()[c]) * r;
      const double share = training ? scale / static_cast<double>(rows) : 0;  // constants have no gradient
      dgamma[c] *= r;
      factor[c] = static_cast<T>(scale);
      offset[c] = static_cast<T>(share * dbeta[c]);
      slope[c] = static_cast<T>(share * r * dgamma[c]);
    }
    add_sums<T>(wanted.gamma, dgamma);
    add_sums<T>(wanted.beta, dbeta);
    const NormGradientMap<T> map{mean, factor, offset, slope};
    T* out = dx.data<T>();
    parallel_for(rows, row_grain(rows, channels), [=](std::int64_t begin, std::int64_t end) {
      const std::int64_t at = begin * channels;
      map(up + at, in + at, out + at, end - begin, channels);
    });
  });
}

}  // namespace

constinit BatchNormKernels batch_norm_kernels{{"batch_norm_forward", forward},
                                              {"batch_norm_backward", backward}};

}  // namespace salu
