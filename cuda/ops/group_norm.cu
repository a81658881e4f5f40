// SPDX-License-Identifier: MIT
/// As batch_norm, with a sample in the place of the batch: numbers per channel of each sample first, in the
/// order in which they lie in memory, then one warp per group joins its channels.
#include "core/ops/group_norm.h"
#include "cuda/kernels/norm.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

constexpr int kGroupThreads = 128;

/// The group of a warp, and the parts its lanes add: `parts(chunk of all samples, sum, column)`.
struct GroupWarp {
  std::int64_t group, sample;  // group: of all samples
  std::int64_t first_column, width, chunks;

  __device__ GroupWarp(const ColumnGrid& grid, const NormGroups& groups)
      : group(global_thread() / kWarp), width(groups.width), chunks(grid.chunks) {
    sample = group / groups.groups;
    first_column = group % groups.groups * width;
  }

  /// Sum over the chunks and columns of the group of term(chunk of the sample, chunk of all, column), in
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

/// One warp per group: joins the moments of its channels.
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

/// One warp per group: what the sums over the group take off dx.
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

void forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
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

void backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
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

}  // namespace

void register_group_norm() {
  group_norm_kernels.forward.set(DeviceType::cuda, forward);
  group_norm_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
