// SPDX-License-Identifier: MIT
/// The four kernels of batch and group normalization. To them a batch norm is the group norm of one sample
/// that is the whole batch, in groups of one channel. Each tensor is read in 16-byte packs, all are bound by
/// memory: forward reads x twice and writes y, backward reads dy and x twice and writes dx.
#pragma once

#include "core/ops/norms.h"
#include "cuda/kernels/columns.cuh"
#include "cuda/kernels/dispatch.h"

namespace salu::cuda {

/// Groups of `width` neighbouring channels share statistics: mean, rstd (samples, groups).
struct NormGroups {
  std::int64_t groups, width;

  __device__ std::int64_t index(std::int64_t sample, std::int64_t column) const {
    return sample * groups + column / width;
  }
};

/// The statistics of a thread's columns.
template <int Width>
__device__ Pack<float, Width> statistics(const NormGroups& groups, const ColumnThread<Width>& at,
                                         const float* p) {
  Pack<float, Width> to;
  for (int w = 0; w < Width; ++w) to.at[w] = at.active ? p[groups.index(at.sample, at.column + w)] : 0.0f;
  return to;
}

/// Parts: mean and sum of squared deviations of each column of each chunk, in double. A thread sums x and x^2
/// relative to its first value, so nothing cancels when the mean is far from zero. An outlying first value
/// costs little, because the sum of squares includes it.
template <int Width, class T, class Finish>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    column_moments_kernel(ColumnGrid grid, double* parts, const T* __restrict__ x, Finish finish) {
  const ColumnThread<Width> at(grid);
  float shift[Width] = {}, sum[Width] = {}, squares[Width] = {};
  if (at.first < at.end) {
    const auto in = load<Width>(x + at.first);
    for (int w = 0; w < Width; ++w) shift[w] = in.at[w];
  }
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto in = load<Width>(x + i);
    for (int w = 0; w < Width; ++w) {
      const float d = static_cast<float>(in.at[w]) - shift[w];
      sum[w] += d;
      squares[w] += d * d;
    }
  }
  const auto n = static_cast<double>(at.count());
  double moments[2][Width];
  auto& [mean, deviations] = moments;
  for (int w = 0; w < Width; ++w) mean[w] = n * static_cast<double>(shift[w]) + static_cast<double>(sum[w]);
  sum_over_rows(mean, grid.lanes);
  for (int w = 0; w < Width; ++w) {
    mean[w] /= static_cast<double>(at.block_rows);
    const double off = mean[w] - static_cast<double>(shift[w]);
    deviations[w] = static_cast<double>(squares[w]) + off * (n * off - 2 * static_cast<double>(sum[w]));
  }
  sum_over_rows(deviations, grid.lanes);
  write_parts(grid, at, parts, moments);
  finish(grid, parts);
}

/// y = (x - mean) rstd gamma + beta
template <int Width, class T>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    normalize_columns_kernel(ColumnGrid grid, NormGroups groups, T* __restrict__ y, const T* __restrict__ x,
                             const float* mean, const float* rstd, const float* gamma, const float* beta) {
  const ColumnThread<Width> at(grid);
  const auto m = statistics(groups, at, mean), r = statistics(groups, at, rstd);
  const auto scale = at.coefficients(gamma), b = at.coefficients(beta);
  float factor[Width];
  for (int w = 0; w < Width; ++w) factor[w] = r.at[w] * scale.at[w];
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto in = load<Width>(x + i);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      out.at[w] = T((static_cast<float>(in.at[w]) - m.at[w]) * factor[w] + b.at[w]);
    }
    store(y + i, out);
  }
}

/// Parts: sums of dy and of dy (x - mean) over each column of each chunk.
template <int Width, class T, class Finish>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    norm_sums_kernel(ColumnGrid grid, NormGroups groups, float* parts, const T* __restrict__ dy,
                     const T* __restrict__ x, const float* mean, Finish finish) {
  const ColumnThread<Width> at(grid);
  const auto m = statistics(groups, at, mean);
  float sums[2][Width] = {};
  auto& [plain, centred] = sums;
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto up = load<Width>(dy + i);
    const auto in = load<Width>(x + i);
    for (int w = 0; w < Width; ++w) {
      plain[w] += static_cast<float>(up.at[w]);
      centred[w] += static_cast<float>(up.at[w]) * (static_cast<float>(in.at[w]) - m.at[w]);
    }
  }
  sum_over_rows(plain, grid.lanes);
  sum_over_rows(centred, grid.lanes);
  write_parts(grid, at, parts, sums);
  finish(grid, parts);
}

/// Terms that the sums over a group subtract from the gradient: dx = dy gamma rstd - offset - (x - mean)
/// slope.
struct NormShare {
  float offset, slope;
};

template <int Width, class T>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    norm_gradient_kernel(ColumnGrid grid, NormGroups groups, T* __restrict__ dx, const T* __restrict__ dy,
                         const T* __restrict__ x, const float* mean, const float* rstd, const float* gamma,
                         const NormShare* shares) {
  const ColumnThread<Width> at(grid);
  const auto m = statistics(groups, at, mean), r = statistics(groups, at, rstd);
  const auto scale = at.coefficients(gamma);
  float factor[Width], slope[Width], constant[Width];
  for (int w = 0; w < Width; ++w) {
    const NormShare share = at.active ? shares[groups.index(at.sample, at.column + w)] : NormShare{};
    factor[w] = r.at[w] * scale.at[w];
    slope[w] = share.slope;
    constant[w] = share.offset;
  }
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto up = load<Width>(dy + i);
    const auto in = load<Width>(x + i);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      const float centred = static_cast<float>(in.at[w]) - m.at[w];
      out.at[w] = T(static_cast<float>(up.at[w]) * factor[w] - constant[w] - centred * slope[w]);
    }
    store(dx + i, out);
  }
}

/// A `finish` that leaves the parts for another launch.
struct LeaveParts {
  template <class T>
  __device__ void operator()(const ColumnGrid&, const T*) const {}
};

/// Geometry of x for the kernels; `mean` has one number per sample and group.
struct NormShape {
  std::int64_t samples, rows, columns;
  NormGroups groups;

  NormShape(std::int64_t sample_count, const Tensor& x, const Tensor& mean)
      : samples(sample_count), rows(rows_of(x) / samples), columns(x.dim(-1)) {
    groups.groups = mean.numel() / samples;
    groups.width = columns / groups.groups;
  }
  template <int Width>
  ColumnGrid grid(int per_multiprocessor) const {
    return column_grid<Width>(samples, rows, columns, per_multiprocessor);
  }
};

/// Two numbers per column of each chunk, and the chunks.
struct NormParts {
  ColumnGrid grid;
  Tensor sums;
};

template <class Finish>
NormParts column_moments(const NormShape& shape, const Tensor& x, Finish finish) {
  NormParts parts;
  dispatch_activation("norm", x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      parts.grid = shape.template grid<Width>(kColumnBlocks);
      parts.sums = scratch(parts.grid.samples * parts.grid.chunks * 2 * shape.columns, DType::f64);
      launch("column_moments_kernel", column_moments_kernel<Width, T, Finish>,
             column_shape<Width>(parts.grid), parts.grid, parts.sums.data<double>(), x.data<T>(), finish);
    };
    with_width<T>(shape.columns, run, x.data<T>());
  });
  return parts;
}

inline void normalize_columns(const NormShape& shape, NormResult& result, const Tensor& x,
                              const Tensor& gamma, const Tensor& beta) {
  dispatch_activation("norm", x.dtype(), [&]<class T>() {
    T* y = result.y.data<T>();
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = shape.template grid<Width>(2 * kColumnBlocks);
      launch("normalize_columns_kernel", normalize_columns_kernel<Width, T>, column_shape<Width>(grid), grid,
             shape.groups, y, x.data<T>(), result.saved.mean.data<float>(), result.saved.rstd.data<float>(),
             gamma.data<float>(), beta.data<float>());
    };
    with_width<T>(shape.columns, run, y, x.data<T>());
  });
}

template <class Finish>
NormParts norm_sums(const NormShape& shape, const Tensor& dy, const Tensor& x, const Tensor& mean,
                    Finish finish) {
  NormParts parts;
  dispatch_activation("norm", x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      parts.grid = shape.template grid<Width>(kColumnBlocks);
      parts.sums = scratch(parts.grid.samples * parts.grid.chunks * 2 * shape.columns, DType::f32);
      launch("norm_sums_kernel", norm_sums_kernel<Width, T, Finish>, column_shape<Width>(parts.grid),
             parts.grid, shape.groups, parts.sums.data<float>(), dy.data<T>(), x.data<T>(),
             mean.data<float>(), finish);
    };
    with_width<T>(shape.columns, run, dy.data<T>(), x.data<T>());
  });
  return parts;
}

/// `shares`: an offset and a slope for each group of each sample.
inline void norm_gradient(const NormShape& shape, Tensor& dx, const Tensor& dy, const Tensor& x,
                          const Tensor& gamma, const NormStatistics& saved, const Tensor& shares) {
  dispatch_activation("norm", x.dtype(), [&]<class T>() {
    T* out = dx.data<T>();
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = shape.template grid<Width>(2 * kColumnBlocks);
      launch("norm_gradient_kernel", norm_gradient_kernel<Width, T>, column_shape<Width>(grid), grid,
             shape.groups, out, dy.data<T>(), x.data<T>(), saved.mean.data<float>(), saved.rstd.data<float>(),
             gamma.data<float>(), reinterpret_cast<const NormShare*>(shares.data<float>()));
    };
    with_width<T>(shape.columns, run, out, dy.data<T>(), x.data<T>());
  });
}

}  // namespace salu::cuda
