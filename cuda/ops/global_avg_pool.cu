// SPDX-License-Identifier: MIT
#include "core/ops/global_avg_pool.h"
#include "cuda/kernels/columns.cuh"
#include "cuda/kernels/dispatch.h"

namespace salu::cuda {
namespace {

/// One block per sample and tile of channels: the grid has one chunk.
template <int Width, class T>
__global__ void __launch_bounds__(kColumnThreads)
    global_avg_pool_forward_kernel(ColumnGrid grid, T* __restrict__ y, const T* __restrict__ x) {
  const ColumnThread<Width> at(grid);
  float sum[Width] = {};
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto in = load<Width>(x + i);
    for (int w = 0; w < Width; ++w) sum[w] += static_cast<float>(in.at[w]);
  }
  sum_over_rows(sum, grid.lanes);
  if (!at.writes) return;
  for (int w = 0; w < Width; ++w) {
    y[at.sample * grid.columns + at.column + w] = T(sum[w] / static_cast<float>(grid.rows));
  }
}

template <int Width, class T>
__global__ void __launch_bounds__(kColumnThreads)
    global_avg_pool_backward_kernel(ColumnGrid grid, T* __restrict__ dx, const T* __restrict__ dy) {
  const ColumnThread<Width> at(grid);
  if (!at.active) return;
  Pack<T, Width> share;
  for (int w = 0; w < Width; ++w) {
    share.at[w] =
        T(static_cast<float>(dy[at.sample * grid.columns + at.column + w]) / static_cast<float>(grid.rows));
  }
  for (std::int64_t i = at.first; i < at.end; i += at.step) store(dx + i, share);
}

template <int Width>
ColumnGrid image_grid(const Tensor& x, int per_multiprocessor) {
  return column_grid<Width>(x.dim(0), x.dim(1) * x.dim(2), x.dim(3), per_multiprocessor);
}

void forward(Tensor& y, const Tensor& x) {
  dispatch_activation("global_avg_pool", x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = image_grid<Width>(x, 0);
      launch("global_avg_pool_forward_kernel", global_avg_pool_forward_kernel<Width, T>,
             column_shape<Width>(grid), grid, y.data<T>(), x.data<T>());
    };
    with_width<T>(x.dim(3), run, x.data<T>());
  });
}

void backward(Tensor& dx, const Tensor& dy) {
  dispatch_activation("global_avg_pool", dy.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = image_grid<Width>(dx, 2 * kColumnBlocks);
      launch("global_avg_pool_backward_kernel", global_avg_pool_backward_kernel<Width, T>,
             column_shape<Width>(grid), grid, dx.data<T>(), dy.data<T>());
    };
    with_width<T>(dx.dim(3), run, dx.data<T>());
  });
}

}  // namespace

void register_global_avg_pool() {
  global_avg_pool_kernels.forward.set(DeviceType::cuda, forward);
  global_avg_pool_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
