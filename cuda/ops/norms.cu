// SPDX-License-Identifier: MIT
#include "core/ops/norms.h"
#include "cuda/kernels/norm.cuh"
#include "cuda/kernels/pack.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

// Batch norm: two launches per pass. The first sums, and its last block merges the parts; the second writes y
// or dx.

/// Merges the moments of the chunks (Chan et al. 1979). It subtracts no large sums, so nothing cancels.
struct MergeMoments {
  unsigned* ticket;
  float *mean, *rstd, *running_mean, *running_var;
  double momentum, eps;

  __device__ void operator()(const ColumnGrid& grid, const double* parts) const {
    if (!last_block(ticket)) return;
    const auto rows = static_cast<double>(grid.rows);
    each_column(grid, [&](std::int64_t column, int lanes) {
      double sum[1] = {}, squares[1] = {};
      sum_over_chunks(grid, column, lanes, sum, [&](std::int64_t chunk, double(&s)[1]) {
        s[0] += static_cast<double>(grid.rows_of_chunk(chunk)) * parts[2 * chunk * grid.columns + column];
      });
      const double m = sum[0] / rows;
      const bool writes =
          sum_over_chunks(grid, column, lanes, squares, [&](std::int64_t chunk, double(&s)[1]) {
            const double off = parts[2 * chunk * grid.columns + column] - m;
            s[0] += parts[(2 * chunk + 1) * grid.columns + column] +
                    static_cast<double>(grid.rows_of_chunk(chunk)) * off * off;
          });
      if (writes) finish(column, m, squares[0], rows);
    });
  }

  __device__ void finish(std::int64_t c, double m, double squares, double rows) const {
    mean[c] = static_cast<float>(m);
    rstd[c] = static_cast<float>(1 / std::sqrt(squares / rows + eps));
    follow(running_mean[c], m);
    follow(running_var[c], squares / (rows - 1));
  }
  __device__ void follow(float& running, double value) const {
    running = static_cast<float>((1 - momentum) * static_cast<double>(running) + momentum * value);
  }
};

/// Evaluation: copies the running statistics to where the backward pass reads mean and rstd.
__global__ void running_statistics_kernel(std::int64_t channels, float* mean, float* rstd,
                                          const float* running_mean, const float* running_var, double eps) {
  const std::int64_t c = global_thread();
  if (c >= channels) return;
  mean[c] = running_mean[c];
  rstd[c] = static_cast<float>(1 / std::sqrt(static_cast<double>(running_var[c]) + eps));
}

void batch_norm_forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                        Tensor& running_mean, Tensor& running_var, BatchNormOptions options) {
  const std::int64_t channels = x.dim(-1);
  if (channels == 0) return;
  float *mean = result.saved.mean.data<float>(), *rstd = result.saved.rstd.data<float>();
  const NormShape shape(1, x, result.saved.mean);
  if (options.training) {
    column_moments(shape, x,
                   MergeMoments{ticket(), mean, rstd, running_mean.data<float>(), running_var.data<float>(),
                                options.momentum, options.eps});
  } else {
    launch("running_statistics_kernel", running_statistics_kernel, cover(channels, 128), channels, mean, rstd,
           running_mean.data<float>(), running_var.data<float>(), options.eps);
  }
  normalize_columns(shape, result, x, gamma, beta);
}

/// Adds to dgamma and dbeta, and writes the shares that the second launch subtracts from dx.
struct MergeSums {
  unsigned* ticket;
  float *dgamma, *dbeta;  // null: not needed
  NormShare* shares;
  const float *gamma, *rstd;
  bool training;

  __device__ void operator()(const ColumnGrid& grid, const float* parts) const {
    if (!last_block(ticket)) return;
    each_column(grid, [&](std::int64_t column, int lanes) {
      double sums[2] = {};
      const bool writes = sum_over_chunks(grid, column, lanes, sums, [&](std::int64_t chunk, double(&s)[2]) {
        for (int i = 0; i < 2; ++i)
          s[i] += static_cast<double>(parts[(2 * chunk + i) * grid.columns + column]);
      });
      if (writes) finish(column, sums[0], sums[1], static_cast<double>(grid.rows));
    });
  }

  __device__ void finish(std::int64_t c, double plain, double centred, double rows) const {
    const auto r = static_cast<double>(rstd[c]);
    // In evaluation the statistics are constants and have no gradient.
    const double share = training ? static_cast<double>(gamma[c]) * r / rows : 0;
    shares[c] = {static_cast<float>(share * plain), static_cast<float>(share * r * r * centred)};
    if (dbeta) dbeta[c] = static_cast<float>(static_cast<double>(dbeta[c]) + plain);
    if (dgamma) dgamma[c] = static_cast<float>(static_cast<double>(dgamma[c]) + r * centred);
  }
};

void batch_norm_backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                         const NormStatistics& saved, bool training) {
  if (x.numel() == 0) return;
  const NormShape shape(1, x, saved.mean);
  Tensor shares = scratch(2 * shape.columns, DType::f32);
  norm_sums(shape, dy, x, saved.mean,
            MergeSums{ticket(), gradient_data(wanted.gamma), gradient_data(wanted.beta),
                      reinterpret_cast<NormShare*>(shares.data<float>()), gamma.data<float>(),
                      saved.rstd.data<float>(), training});
  norm_gradient(shape, dx, dy, x, gamma, saved, shares);
}

// Group norm is batch norm over one sample instead of the batch: first sums per channel of each sample, in
// memory order, then one warp per group adds its channels.

constexpr int kGroupThreads = 128;

/// The group of a warp, and the parts that its lanes add: `parts(chunk of all samples, sum, column)`.
struct GroupWarp {
  std::int64_t group, sample;  // group: over all samples
  std::int64_t first_column, width, chunks;

  __device__ GroupWarp(const ColumnGrid& grid, const NormGroups& groups)
      : group(global_thread() / kWarp), width(groups.width), chunks(grid.chunks) {
    sample = group / groups.groups;
    first_column = group % groups.groups * width;
  }

  /// Sum of term(chunk of the sample, chunk of all, column) over the chunks and columns of the group, in
  /// every lane.
  template <class Term>
  __device__ double sum(Term term) const {
    double s = 0;
    for (std::int64_t i = threadIdx.x % kWarp; i < chunks * width; i += kWarp) {
      s += term(i / width, sample * chunks + i / width, first_column + i % width);
    }
    return warp_sum(s);
  }
};

/// One warp per group: merges the moments of its channels.
__global__ void group_statistics_kernel(ColumnGrid grid, NormGroups groups, float* mean, float* rstd,
                                        const double* parts, double eps) {
  const GroupWarp warp(grid, groups);
  if (warp.sample >= grid.samples) return;
  const double count = static_cast<double>(grid.rows) * static_cast<double>(groups.width);
  const double m = warp.sum([&](std::int64_t chunk, std::int64_t part, std::int64_t column) {
    return static_cast<double>(grid.rows_of_chunk(chunk)) * parts[2 * part * grid.columns + column];
  }) / count;
  const double squares = warp.sum([&](std::int64_t chunk, std::int64_t part, std::int64_t column) {
    const double off = parts[2 * part * grid.columns + column] - m;
    return parts[(2 * part + 1) * grid.columns + column] +
           static_cast<double>(grid.rows_of_chunk(chunk)) * off * off;
  });
  if (threadIdx.x % kWarp != 0) return;
  mean[warp.group] = static_cast<float>(m);
  rstd[warp.group] = static_cast<float>(1 / std::sqrt(squares / count + eps));
}

/// One warp per group: computes the shares that are subtracted from dx.
__global__ void group_shares_kernel(ColumnGrid grid, NormGroups groups, NormShare* shares, const float* parts,
                                    const float* rstd, const float* gamma) {
  const GroupWarp warp(grid, groups);
  if (warp.sample >= grid.samples) return;
  const auto weighted = [&](int s) {
    return warp.sum([&](std::int64_t, std::int64_t part, std::int64_t column) {
      return static_cast<double>(parts[(2 * part + s) * grid.columns + column]) *
             static_cast<double>(gamma[column]);
    });
  };
  const double plain = weighted(0), centred = weighted(1);
  if (threadIdx.x % kWarp != 0) return;
  const auto r = static_cast<double>(rstd[warp.group]);
  const double share = r / (static_cast<double>(grid.rows) * static_cast<double>(groups.width));
  shares[warp.group] = {static_cast<float>(share * plain), static_cast<float>(share * r * r * centred)};
}

LaunchShape warp_per_group(const NormShape& shape) {
  return cover(shape.samples * shape.groups.groups * kWarp, kGroupThreads);
}

void group_norm_forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                        double eps) {
  const NormShape shape(x.dim(0), x, result.saved.mean);
  const NormParts parts = column_moments(shape, x, LeaveParts{});
  launch("group_statistics_kernel", group_statistics_kernel, warp_per_group(shape), parts.grid, shape.groups,
         result.saved.mean.data<float>(), result.saved.rstd.data<float>(), parts.sums.data<double>(), eps);
  normalize_columns(shape, result, x, gamma, beta);
}

/// dgamma and dbeta from the parts of one chunk of a sample.
struct ParameterSums {
  const float *parts, *rstd;
  std::int64_t columns, chunks;
  NormGroups groups;
  __device__ void operator()(std::int64_t part, std::int64_t column, float (&sums)[2]) const {
    sums[0] += parts[(2 * part + 1) * columns + column] * rstd[groups.index(part / chunks, column)];
    sums[1] += parts[2 * part * columns + column];
  }
};

void group_norm_backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                         const NormStatistics& saved) {
  const NormShape shape(x.dim(0), x, saved.mean);
  const NormParts parts = norm_sums(shape, dy, x, saved.mean, LeaveParts{});
  const float* rstd = saved.rstd.data<float>();
  Tensor shares = scratch(2 * saved.mean.numel(), DType::f32);
  launch("group_shares_kernel", group_shares_kernel, warp_per_group(shape), parts.grid, shape.groups,
         reinterpret_cast<NormShare*>(shares.data<float>()), parts.sums.data<float>(), rstd,
         gamma.data<float>());
  norm_gradient(shape, dx, dy, x, gamma, saved, shares);
  column_sums<2>(
      shape.samples * parts.grid.chunks, shape.columns,
      ParameterSums{parts.sums.data<float>(), rstd, shape.columns, parts.grid.chunks, shape.groups},
      AddColumns{{gradient_data(wanted.gamma), gradient_data(wanted.beta)}});
}

// Layer norm: one warp per row, without shared memory. A row is a few KB, so its second and third pass hit
// the L1 cache.

constexpr int kRowsPerBlock = 8;

/// A row, and one lane's share: `for (c = first; c < channels; c += step)` visits the columns of its packs.
template <int Width>
struct RowWarp {
  std::int64_t row, offset;
  int lane, first, step;

  __device__ explicit RowWarp(std::int64_t channels)
      : row(std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarp),
        offset(row * channels),
        lane(static_cast<int>(threadIdx.x) % kWarp),
        first(lane * Width),
        step(kWarp * Width) {}
};

template <int Width, class T>
__global__ void layer_norm_forward_kernel(std::int64_t rows, std::int64_t channels, T* __restrict__ y,
                                          float* mean, float* rstd, const T* __restrict__ x,
                                          const float* __restrict__ gamma, const float* __restrict__ beta,
                                          float eps) {
  const RowWarp<Width> at(channels);
  if (at.row >= rows) return;  // the whole warp returns
  const auto n = static_cast<float>(channels);
  float sum = 0, squares = 0;
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto in = load<Width>(x + at.offset + c);
    for (int w = 0; w < Width; ++w) sum += static_cast<float>(in.at[w]);
  }
  const float m = warp_sum(sum) / n;
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto in = load<Width>(x + at.offset + c);
    for (int w = 0; w < Width; ++w) {
      const float centred = static_cast<float>(in.at[w]) - m;
      squares += centred * centred;
    }
  }
  const float r = 1 / std::sqrt(warp_sum(squares) / n + eps);
  if (at.lane == 0) {
    mean[at.row] = m;
    rstd[at.row] = r;
  }
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto in = load<Width>(x + at.offset + c);
    const auto scale = load_words<Width>(gamma + c), shift = load_words<Width>(beta + c);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      out.at[w] = T((static_cast<float>(in.at[w]) - m) * r * scale.at[w] + shift.at[w]);
    }
    store(y + at.offset + c, out);
  }
}

template <int Width, class T>
__global__ void layer_norm_gradient_kernel(std::int64_t rows, std::int64_t channels, T* __restrict__ dx,
                                           const T* __restrict__ dy, const T* __restrict__ x,
                                           const float* __restrict__ gamma, const float* mean,
                                           const float* rstd) {
  const RowWarp<Width> at(channels);
  if (at.row >= rows) return;  // the whole warp returns
  const float m = mean[at.row], r = rstd[at.row];
  float g = 0, gh = 0;  // sums of dy gamma, and of the same times h
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto up = load<Width>(dy + at.offset + c);
    const auto in = load<Width>(x + at.offset + c);
    const auto scale = load_words<Width>(gamma + c);
    for (int w = 0; w < Width; ++w) {
      const float term = static_cast<float>(up.at[w]) * scale.at[w];
      g += term;
      gh += term * ((static_cast<float>(in.at[w]) - m) * r);
    }
  }
  g = warp_sum(g) / static_cast<float>(channels);
  gh = warp_sum(gh) / static_cast<float>(channels);
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto up = load<Width>(dy + at.offset + c);
    const auto in = load<Width>(x + at.offset + c);
    const auto scale = load_words<Width>(gamma + c);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      const float h = (static_cast<float>(in.at[w]) - m) * r;
      out.at[w] = T(r * (static_cast<float>(up.at[w]) * scale.at[w] - g - h * gh));
    }
    store(dx + at.offset + c, out);
  }
}

/// dgamma += dy h, dbeta += dy
template <class T>
struct RowParameterSums {
  const T *dy, *x;
  const float *mean, *rstd;
  std::int64_t channels;
  __device__ void operator()(std::int64_t row, std::int64_t column, float (&sums)[2]) const {
    const float up = dy[row * channels + column];
    sums[0] += up * ((static_cast<float>(x[row * channels + column]) - mean[row]) * rstd[row]);
    sums[1] += up;
  }
};

LaunchShape warp_per_row(std::int64_t rows) {
  return {.blocks_x = (rows + kRowsPerBlock - 1) / kRowsPerBlock, .threads_x = kRowsPerBlock * kWarp};
}

void layer_norm_forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                        double eps) {
  dispatch_activation("layer_norm", x.dtype(), [&]<class T>() {
    T* y = result.y.data<T>();
    const auto run = [&]<int Width>() {
      launch("layer_norm_forward_kernel", layer_norm_forward_kernel<Width, T>, warp_per_row(rows_of(x)),
             rows_of(x), x.dim(-1), y, result.saved.mean.data<float>(), result.saved.rstd.data<float>(),
             x.data<T>(), gamma.data<float>(), beta.data<float>(), static_cast<float>(eps));
    };
    with_width<T>(x.dim(-1), run, y, x.data<T>(), gamma.data<float>(), beta.data<float>());
  });
}

void layer_norm_backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                         const NormStatistics& saved) {
  dispatch_activation("layer_norm", x.dtype(), [&]<class T>() {
    T* out = dx.data<T>();
    const T *up = dy.data<T>(), *in = x.data<T>();
    const float *mean = saved.mean.data<float>(), *rstd = saved.rstd.data<float>();
    const auto run = [&]<int Width>() {
      launch("layer_norm_gradient_kernel", layer_norm_gradient_kernel<Width, T>, warp_per_row(rows_of(x)),
             rows_of(x), x.dim(-1), out, up, in, gamma.data<float>(), mean, rstd);
    };
    with_width<T>(x.dim(-1), run, out, up, in, gamma.data<float>());
    column_sums<2>(rows_of(x), x.dim(-1), RowParameterSums<T>{up, in, mean, rstd, x.dim(-1)},
                   AddColumns{{gradient_data(wanted.gamma), gradient_data(wanted.beta)}});
  });
}

}  // namespace

void register_norms() {
  batch_norm_kernels.forward.set(DeviceType::cuda, batch_norm_forward);
  batch_norm_kernels.backward.set(DeviceType::cuda, batch_norm_backward);
  group_norm_kernels.forward.set(DeviceType::cuda, group_norm_forward);
  group_norm_kernels.backward.set(DeviceType::cuda, group_norm_backward);
  layer_norm_kernels.forward.set(DeviceType::cuda, layer_norm_forward);
  layer_norm_kernels.backward.set(DeviceType::cuda, layer_norm_backward);
}

}  // namespace salu::cuda
