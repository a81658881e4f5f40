// SPDX-License-Identifier: MIT
/// Two launches each way: the first sums, and its last block merges the parts; the second writes y or dx.
#include "core/ops/batch_norm.h"
#include "cuda/kernels/norm.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

/// Joins the moments of the chunks (Chan et al. 1979): no difference of large sums, so no cancellation.
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

/// The statistics of evaluation, where backward looks for them.
__global__ void running_statistics_kernel(std::int64_t channels, float* mean, float* rstd,
                                          const float* running_mean, const float* running_var, double eps) {
  const std::int64_t c = global_thread();
  if (c >= channels) return;
  mean[c] = running_mean[c];
  rstd[c] = static_cast<float>(1 / std::sqrt(static_cast<double>(running_var[c]) + eps));
}

void forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta,
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

/// Adds to dgamma and dbeta, and leaves for the second launch what the sums take off dx.
struct MergeSums {
  unsigned* ticket;
  float *dgamma, *dbeta;  // null: not wanted
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
    // In evaluation the statistics are constants, which have no gradient.
    const double share = training ? static_cast<double>(gamma[c]) * r / rows : 0;
    shares[c] = {static_cast<float>(share * plain), static_cast<float>(share * r * r * centred)};
    if (dbeta) dbeta[c] = static_cast<float>(static_cast<double>(dbeta[c]) + plain);
    if (dgamma) dgamma[c] = static_cast<float>(static_cast<double>(dgamma[c]) + r * centred);
  }
};

void backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
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

}  // namespace

void register_batch_norm() {
  batch_norm_kernels.forward.set(DeviceType::cuda, forward);
  batch_norm_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
