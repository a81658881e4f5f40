// SPDX-License-Identifier: MIT
#include <cmath>

#include "core/ops/group_norm.h"
#include "core/ops/norm_rows.h"

namespace salu {
namespace {

/// The shape of x: samples of `pixels` rows of `channels` numbers, `width` channels in each group.
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

  /// Mean over the group of numbers whose sums per channel are known.
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
void group_statistics(const Groups& size, const T* x, double eps, T* means, T* rstds) {
  const std::int64_t channels = size.channels;
  std::vector<double> sums(static_cast<std::size_t>(channels)), squares(sums.size());
  sum_rows<T>(0, size.pixels, channels, sums.data(), [=](std::int64_t r, T* block) {
    for (std::int64_t c = 0; c < channels; ++c) block[c] += x[r * channels + c];
  });
  std::vector<T> centre(sums.size());
  for (std::int64_t g = 0; g < size.groups; ++g) {
    means[g] = static_cast<T>(size.mean(sums.data(), g));
    std::fill_n(centre.begin() + g * size.width, size.width, means[g]);
  }
  const T* m = centre.data();
  sum_rows<T>(0, size.pixels, channels, squares.data(), [=](std::int64_t r, T* block) {
    const T* row = x + r * channels;
    for (std::int64_t c = 0; c < channels; ++c) block[c] += (row[c] - m[c]) * (row[c] - m[c]);
  });
  for (std::int64_t g = 0; g < size.groups; ++g) {
    rstds[g] = static_cast<T>(1 / std::sqrt(size.mean(squares.data(), g) + eps));
  }
}

void forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  dispatch_float("group_norm", x.dtype(), [&]<class T>() {
    const Groups size(x, result.saved.mean);
    const T *in = x.data<T>(), *scale = gamma.data<T>(), *shift = beta.data<T>();
    T *out = result.y.data<T>(), *means = result.saved.mean.data<T>(), *rstds = result.saved.rstd.data<T>();
    size.each_sample([=, &size](std::int64_t i) {
      const T* sample = in + i * size.sample();
      T *m = means + i * size.groups, *r = rstds + i * size.groups;
      group_statistics(size, sample, eps, m, r);
      std::vector<T> memory(static_cast<std::size_t>(2 * size.channels));
      T *mean = memory.data(), *factor = mean + size.channels;
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
void sample_gradient(const Groups& size, const T* dy, const T* x, const T* gamma, const T* means,
                     const T* rstds, double* sums, T* dx) {
  const std::int64_t channels = size.channels;
  std::vector<T> memory(static_cast<std::size_t>(4 * channels));
  T *mean = memory.data(), *factor = mean + channels, *offset = factor + channels, *slope = offset + channels;
  for (std::int64_t c = 0; c < channels; ++c) mean[c] = means[c / size.width];
  sum_rows<T>(0, size.pixels, 2 * channels, sums, [=](std::int64_t r, T* block) {
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
    std::fill_n(offset + first, size.width, static_cast<T>(r * size.mean(g.data(), group)));
    std::fill_n(slope + first, size.width, static_cast<T>(r * r * size.mean(gh.data(), group)));
    for (std::int64_t c = first; c < first + size.width; ++c) factor[c] = rstds[group] * gamma[c];
  }
  NormGradientMap<T>{mean, factor, offset, slope}(dy, x, dx, size.pixels, channels);
}

void backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved) {
  dispatch_float("group_norm", x.dtype(), [&]<class T>() {
    const Groups size(x, saved.mean);
    const std::int64_t channels = size.channels;
    const T *up = dy.data<T>(), *in = x.data<T>(), *scale = gamma.data<T>();
    const T *means = saved.mean.data<T>(), *rstds = saved.rstd.data<T>();
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

constinit GroupNormKernels group_norm_kernels{{"group_norm_forward", forward},
                                              {"group_norm_backward", backward}};

}  // namespace salu
