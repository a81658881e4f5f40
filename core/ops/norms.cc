// SPDX-License-Identifier: MIT
#include "core/ops/norms.h"

#include <cmath>

#include "core/ops/reduce.h"

namespace salu {

void check_norm_backward(const char* op, const Tensor& x, const Tensor& gamma, const NormStatistics& saved,
                         const Shape& statistics, NormSums sums) {
  check_channels(op, "gamma", gamma, x);
  check_shape(op, "saved mean", saved.mean, statistics);
  check_shape(op, "saved rstd", saved.rstd, statistics);
  check_parameter(op, "saved mean", saved.mean, x);
  check_parameter(op, "saved rstd", saved.rstd, x);
  if (sums.gamma) check_channels(op, "dgamma", *sums.gamma, x);
  if (sums.beta) check_channels(op, "dbeta", *sums.beta, x);
}

namespace {

// Loops shared by batch and group normalization: rows of C channels, coefficients per channel.

/// y = (x - mean) factor + shift
template <class T>
struct NormMap {
  const Wide<T>*mean, *factor, *shift;

  void operator()(const T* x, T* y, std::int64_t rows, std::int64_t channels) const {
    const Wide<T>*m = mean, *f = factor, *s = shift;
    for (std::int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
      for (std::int64_t c = 0; c < channels; ++c) y[c] = T((x[c] - m[c]) * f[c] + s[c]);
    }
  }
};

/// dx = dy factor - offset - (x - mean) slope
template <class T>
struct NormGradientMap {
  const Wide<T>*mean, *factor, *offset, *slope;

  void operator()(const T* dy, const T* x, T* dx, std::int64_t rows, std::int64_t channels) const {
    const Wide<T>*m = mean, *f = factor, *o = offset, *s = slope;
    for (std::int64_t r = 0; r < rows; ++r, x += channels, dy += channels, dx += channels) {
      for (std::int64_t c = 0; c < channels; ++c) dx[c] = T(dy[c] * f[c] - o[c] - (x[c] - m[c]) * s[c]);
    }
  }
};

/// block[0..C) += dy, block[C..2C) += dy (x - mean), for one row.
template <class T>
void add_gradient_row(const T* dy, const T* x, const Wide<T>* mean, std::int64_t channels, Wide<T>* block) {
  Wide<T>* centred = block + channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    block[c] += dy[c];
    centred[c] += dy[c] * (x[c] - mean[c]);
  }
}

void check_rank(const Tensor& x) {
  check(x.shape().rank() >= 2, "[batch_norm] expected x (...,C) of rank 2 to 4, got {}", x.shape().str());
}

/// Mean and sum of squared deviations of each column, over `count` rows so far.
struct Moments {
  std::int64_t count = 0;
  std::vector<double> mean, squares;

  explicit Moments(std::int64_t columns)
      : mean(static_cast<std::size_t>(columns)), squares(static_cast<std::size_t>(columns)) {}

  /// Merges the moments of other rows (Chan et al. 1979). It subtracts no large sums, so nothing cancels.
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

/// Adds rows [begin, end) of x in blocks that stay in the cache for the second pass.
template <class T>
void add_rows(Moments& moments, const T* x, std::int64_t begin, std::int64_t end, std::int64_t channels) {
  using W = Wide<T>;
  std::vector<W> memory(static_cast<std::size_t>(2 * channels));
  W *mean = memory.data(), *squares = mean + channels;
  for (std::int64_t first = begin; first < end; first += kSumBlock) {
    const std::int64_t rows = std::min(kSumBlock, end - first);
    const T *block = x + first * channels, *stop = block + rows * channels;
    std::fill(memory.begin(), memory.end(), W(0));
    for (const T* row = block; row != stop; row += channels) {
      for (std::int64_t c = 0; c < channels; ++c) mean[c] += row[c];
    }
    for (std::int64_t c = 0; c < channels; ++c) mean[c] *= W(1) / static_cast<W>(rows);
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

/// Writes the batch statistics to `saved` and blends them into the running ones.
template <class T>
void batch_statistics(NormStatistics& saved, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                      const BatchNormOptions& options) {
  using W = Wide<T>;
  const std::int64_t channels = x.dim(-1), rows = rows_of(x);
  const Moments moments = column_moments(x.data<T>(), rows, channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = moments.mean[static_cast<std::size_t>(c)];
    const double squares = moments.squares[static_cast<std::size_t>(c)];
    saved.mean.data<W>()[c] = static_cast<W>(mean);
    saved.rstd.data<W>()[c] =
        static_cast<W>(1 / std::sqrt(squares / static_cast<double>(rows) + options.eps));
    const auto follow = [&](Tensor& running, double value) {
      W& r = running.data<W>()[c];
      r = static_cast<W>((1 - options.momentum) * static_cast<double>(r) + options.momentum * value);
    };
    follow(running_mean, mean);
    follow(running_var, squares / static_cast<double>(rows - 1));
  }
}

void batch_norm_forward_cpu(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                            Tensor& running_mean, Tensor& running_var, BatchNormOptions options) {
  dispatch_elements("batch_norm", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t channels = x.dim(-1), rows = rows_of(x);
    W *mean = result.saved.mean.data<W>(), *rstd = result.saved.rstd.data<W>();
    if (options.training) {
      batch_statistics<T>(result.saved, running_mean, running_var, x, options);
    } else {
      const W *m = running_mean.data<W>(), *v = running_var.data<W>();
      for (std::int64_t c = 0; c < channels; ++c) {
        mean[c] = m[c];
        rstd[c] = static_cast<W>(1 / std::sqrt(static_cast<double>(v[c]) + options.eps));
      }
    }
    std::vector<W> factor(gamma.data<W>(), gamma.data<W>() + channels);
    for (std::int64_t c = 0; c < channels; ++c) factor[static_cast<std::size_t>(c)] *= rstd[c];
    const NormMap<T> normalize{mean, factor.data(), beta.data<W>()};
    const T* in = x.data<T>();
    T* out = result.y.data<T>();
    parallel_for(rows, row_grain(rows, channels), [=](std::int64_t begin, std::int64_t end) {
      normalize(in + begin * channels, out + begin * channels, end - begin, channels);
    });
  });
}

void batch_norm_backward_cpu(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x,
                             const Tensor& gamma, const NormStatistics& saved, bool training) {
  dispatch_elements("batch_norm", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t channels = x.dim(-1), rows = rows_of(x);
    const T *up = dy.data<T>(), *in = x.data<T>();
    const W* mean = saved.mean.data<W>();
    std::vector<double> sums = column_sums<W>(rows, channels, 2 * channels, [=](std::int64_t r, W* block) {
      add_gradient_row(up + r * channels, in + r * channels, mean, channels, block);
    });
    double *dbeta = sums.data(), *dgamma = dbeta + channels;
    std::vector<W> memory(static_cast<std::size_t>(3 * channels));
    W *factor = memory.data(), *offset = factor + channels, *slope = offset + channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto r = static_cast<double>(saved.rstd.data<W>()[c]);
      const double scale = static_cast<double>(gamma.data<W>()[c]) * r;
      // Running statistics are constants: no gradient flows through them.
      const double share = training ? scale / static_cast<double>(rows) : 0;
      dgamma[c] *= r;
      factor[c] = static_cast<W>(scale);
      offset[c] = static_cast<W>(share * dbeta[c]);
      slope[c] = static_cast<W>(share * r * dgamma[c]);
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

constinit BatchNormKernels batch_norm_kernels{{"batch_norm_forward", batch_norm_forward_cpu},
                                              {"batch_norm_backward", batch_norm_backward_cpu}};

NormResult batch_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                              Tensor& running_var, BatchNormOptions options) {
  check_rank(x);
  check_channels("batch_norm", "gamma", gamma, x);
  check_channels("batch_norm", "beta", beta, x);
  check_channels("batch_norm", "running_mean", running_mean, x);
  check_channels("batch_norm", "running_var", running_var, x);
  check(!options.training || x.numel() >= 2 * x.dim(-1),
        "[batch_norm] expected more than 1 value per channel when training, got x {}", x.shape().str());
  const auto channels = [&] { return Tensor::empty(gamma.shape(), parameter_dtype(x.dtype()), x.device()); };
  NormResult result{Tensor::empty(x.shape(), x.dtype(), x.device()), {channels(), channels()}};
  batch_norm_kernels.forward(x.device(), result, x, gamma, beta, running_mean, running_var, options);
  return result;
}

Tensor batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, bool training, NormSums sums) {
  check_rank(x);
  check_like("batch_norm", x, dy);
  check_norm_backward("batch_norm", x, gamma, saved, {x.dim(-1)}, sums);
  return like(batch_norm_kernels.backward, x, sums, dy, x, gamma, saved, training);
}

namespace {

void check_groups(const Tensor& x, std::int64_t groups) {
  const int rank = x.shape().rank();
  check((rank == 2 || rank == 4) && groups > 0 && x.dim(-1) % groups == 0,
        "[group_norm] expected x (N,H,W,C) or (N,C) with C divisible by {} groups, got {}", groups,
        x.shape().str());
}

/// Geometry of x: samples of `pixels` rows of `channels` numbers, `width` channels per group.
struct Groups {
  std::int64_t samples, channels, pixels, groups, width;

  Groups(const Tensor& x, const Tensor& mean)
      : samples(x.dim(0)),
        channels(x.dim(-1)),
        pixels(x.numel() / (samples * channels)),
        groups(mean.dim(1)),
        width(channels / groups) {}

  std::int64_t sample() const { return pixels * channels; }
  double count() const { return static_cast<double>(pixels * width); }  // values in one group

  /// Mean over a group, from sums per channel.
  double mean(const double* channel_sums, std::int64_t group) const {
    double sum = 0;
    for (std::int64_t c = group * width; c < (group + 1) * width; ++c) sum += channel_sums[c];
    return sum / count();
  }

  /// Calls `body(i)` for every sample.
  template <class Body>
  void each_sample(Body&& body) const {
    parallel_for(samples, row_grain(samples, sample()), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) body(i);
    });
  }
};

/// Writes mean and 1/sqrt(variance + eps) of each group of the sample x.
template <class T>
void group_statistics(const Groups& size, const T* x, double eps, Wide<T>* means, Wide<T>* rstds) {
  using W = Wide<T>;
  const std::int64_t channels = size.channels;
  std::vector<double> sums(static_cast<std::size_t>(channels)), squares(sums.size());
  sum_rows<W>(0, size.pixels, channels, sums.data(), [=](std::int64_t r, W* block) {
    for (std::int64_t c = 0; c < channels; ++c) block[c] += x[r * channels + c];
  });
  std::vector<W> centre(sums.size());
  for (std::int64_t g = 0; g < size.groups; ++g) {
    means[g] = static_cast<W>(size.mean(sums.data(), g));
    std::fill_n(centre.begin() + g * size.width, size.width, means[g]);
  }
  const W* m = centre.data();
  sum_rows<W>(0, size.pixels, channels, squares.data(), [=](std::int64_t r, W* block) {
    const T* row = x + r * channels;
    for (std::int64_t c = 0; c < channels; ++c) block[c] += (row[c] - m[c]) * (row[c] - m[c]);
  });
  for (std::int64_t g = 0; g < size.groups; ++g) {
    rstds[g] = static_cast<W>(1 / std::sqrt(size.mean(squares.data(), g) + eps));
  }
}

void group_norm_forward_cpu(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                            double eps) {
  dispatch_elements("group_norm", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const Groups size(x, result.saved.mean);
    const T* in = x.data<T>();
    const W *scale = gamma.data<W>(), *shift = beta.data<W>();
    T* out = result.y.data<T>();
    W *means = result.saved.mean.data<W>(), *rstds = result.saved.rstd.data<W>();
    size.each_sample([=, &size](std::int64_t i) {
      const T* sample = in + i * size.sample();
      W *m = means + i * size.groups, *r = rstds + i * size.groups;
      group_statistics(size, sample, eps, m, r);
      std::vector<W> memory(static_cast<std::size_t>(2 * size.channels));
      W *mean = memory.data(), *factor = mean + size.channels;
      for (std::int64_t c = 0; c < size.channels; ++c) {
        mean[c] = m[c / size.width];
        factor[c] = r[c / size.width] * scale[c];
      }
      NormMap<T>{mean, factor, shift}(sample, out + i * size.sample(), size.pixels, size.channels);
    });
  });
}

/// dx of one sample; sums[0..C) += dy, sums[C..2C) += dy h over its pixels.
template <class T>
void sample_gradient(const Groups& size, const T* dy, const T* x, const Wide<T>* gamma, const Wide<T>* means,
                     const Wide<T>* rstds, double* sums, T* dx) {
  using W = Wide<T>;
  const std::int64_t channels = size.channels;
  std::vector<W> memory(static_cast<std::size_t>(4 * channels));
  W *mean = memory.data(), *factor = mean + channels, *offset = factor + channels, *slope = offset + channels;
  for (std::int64_t c = 0; c < channels; ++c) mean[c] = means[c / size.width];
  sum_rows<W>(0, size.pixels, 2 * channels, sums, [=](std::int64_t r, W* block) {
    add_gradient_row(dy + r * channels, x + r * channels, mean, channels, block);
  });
  std::vector<double> g(static_cast<std::size_t>(channels)), gh(g.size());
  for (std::int64_t c = 0; c < channels; ++c) {
    sums[channels + c] *= static_cast<double>(rstds[c / size.width]);
    g[static_cast<std::size_t>(c)] = static_cast<double>(gamma[c]) * sums[c];
    gh[static_cast<std::size_t>(c)] = static_cast<double>(gamma[c]) * sums[channels + c];
  }
  for (std::int64_t group = 0; group < size.groups; ++group) {
    const auto r = static_cast<double>(rstds[group]);
    const std::int64_t first = group * size.width;
    std::fill_n(offset + first, size.width, static_cast<W>(r * size.mean(g.data(), group)));
    std::fill_n(slope + first, size.width, static_cast<W>(r * r * size.mean(gh.data(), group)));
    for (std::int64_t c = first; c < first + size.width; ++c) factor[c] = rstds[group] * gamma[c];
  }
  NormGradientMap<T>{mean, factor, offset, slope}(dy, x, dx, size.pixels, channels);
}

void group_norm_backward_cpu(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x,
                             const Tensor& gamma, const NormStatistics& saved) {
  dispatch_elements("group_norm", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const Groups size(x, saved.mean);
    const std::int64_t channels = size.channels;
    const T *up = dy.data<T>(), *in = x.data<T>();
    const W *scale = gamma.data<W>(), *means = saved.mean.data<W>(), *rstds = saved.rstd.data<W>();
    T* out = dx.data<T>();
    std::vector<double> partial(static_cast<std::size_t>(size.samples * 2 * channels));
    size.each_sample([&](std::int64_t i) {
      const std::int64_t at = i * size.sample();
      sample_gradient(size, up + at, in + at, scale, means + i * size.groups, rstds + i * size.groups,
                      partial.data() + i * 2 * channels, out + at);
    });
    const std::vector<double> sums = sum_in_order(partial, 2 * channels);
    add_sums<T>(wanted.beta, sums.data());
    add_sums<T>(wanted.gamma, sums.data() + channels);
  });
}

}  // namespace

constinit NormKernels group_norm_kernels{{"group_norm_forward", group_norm_forward_cpu},
                                         {"group_norm_backward", group_norm_backward_cpu}};

NormResult group_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::int64_t groups,
                              double eps) {
  check_groups(x, groups);
  check_channels("group_norm", "gamma", gamma, x);
  check_channels("group_norm", "beta", beta, x);
  const auto statistic = [&] {
    return Tensor::empty({x.dim(0), groups}, parameter_dtype(x.dtype()), x.device());
  };
  NormResult result{Tensor::empty(x.shape(), x.dtype(), x.device()), {statistic(), statistic()}};
  if (x.numel() > 0) group_norm_kernels.forward(x.device(), result, x, gamma, beta, eps);
  return result;
}

Tensor group_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, NormSums sums) {
  check_like("group_norm", x, dy);
  check(saved.mean.defined() && saved.mean.shape().rank() == 2,
        "[group_norm] expected a saved mean of shape (N,G), got {}",
        saved.mean.defined() ? saved.mean.shape().str() : "an undefined tensor");
  const std::int64_t groups = saved.mean.dim(1);
  check_groups(x, groups);
  check_norm_backward("group_norm", x, gamma, saved, {x.dim(0), groups}, sums);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (x.numel() > 0) group_norm_kernels.backward(x.device(), dx, sums, dy, x, gamma, saved);
  return dx;
}

}  // namespace salu
