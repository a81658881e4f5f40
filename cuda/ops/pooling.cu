// SPDX-License-Identifier: MIT
#include "core/ops/pooling.h"
#include "cuda/kernels/columns.cuh"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/pack.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

// max_pool2d and avg_pool2d gather in both passes, with one thread per pack of channels of one output pixel,
// so that no two threads write the same number.

/// Sizes (H,W) of the image (N,H,W,C) and (P,Q) of its windows (N,P,Q,C).
struct PoolSizes {
  std::int64_t height, width, p_end, q_end, channels;
  Pool2dOptions options;

  PoolSizes(const Tensor& image, const Tensor& windows, const Pool2dOptions& o)
      : height(image.dim(1)),
        width(image.dim(2)),
        p_end(windows.dim(1)),
        q_end(windows.dim(2)),
        channels(image.dim(3)),
        options(o) {}

  /// Offset of channel c of a pixel or of a window.
  __device__ std::int64_t pixel(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) const {
    return ((n * height + h) * width + w) * channels + c;
  }
  __device__ std::int64_t window(std::int64_t n, std::int64_t p, std::int64_t q, std::int64_t c) const {
    return ((n * p_end + p) * q_end + q) * channels + c;
  }
};

/// Windows [begin, end) of one dimension that cover pixel i: the inverse of PoolRange.
struct CoveringRange {
  std::int64_t begin, end;

  __device__ CoveringRange(std::int64_t i, std::int64_t windows, const Pool2dOptions& o) {
    const std::int64_t padded = i + o.padding;
    begin = padded < o.kernel ? 0 : (padded - o.kernel) / o.stride + 1;
    end = padded / o.stride + 1;
    if (end > windows) end = windows;
  }
};

/// f(n, row, column, first channel) for each pack of a (N, rows, columns, channels) output.
template <int Width, class F>
__global__ void each_pixel_kernel(std::int64_t packs, std::int64_t rows, std::int64_t columns,
                                  std::int64_t channels, F f) {
  for (std::int64_t i = global_thread(); i < packs; i += global_threads()) {
    const std::int64_t per_pixel = channels / Width, pixel = i / per_pixel, line = pixel / columns;
    f(line / rows, line % rows, pixel % columns, i % per_pixel * Width);
  }
}

template <int Width, class F>
void each_pixel(const Tensor& output, F f) {
  const std::int64_t packs = output.numel() / Width;
  launch("each_pixel_kernel", each_pixel_kernel<Width, F>, cover_at_most(grid_blocks(8), packs), packs,
         output.dim(1), output.dim(2), output.dim(3), f);
}

template <int Width, class T>
struct MaxValue {
  PoolSizes sizes;
  T* y;
  std::int32_t* argmax;
  const T* x;

  __device__ void operator()(std::int64_t n, std::int64_t p, std::int64_t q, std::int64_t c) const {
    const PoolRange rows(p, sizes.height, sizes.options), columns(q, sizes.width, sizes.options);
    auto best = load<Width>(x + sizes.pixel(n, rows.begin, columns.begin, c));
    Pack<std::int32_t, Width> pixel;
    for (int i = 0; i < Width; ++i) {
      pixel.at[i] = static_cast<std::int32_t>(rows.begin * sizes.width + columns.begin);
    }
    for (std::int64_t h = rows.begin; h < rows.end; ++h) {
      for (std::int64_t w = columns.begin; w < columns.end; ++w) {
        const auto here = load<Width>(x + sizes.pixel(n, h, w, c));
        for (int i = 0; i < Width; ++i) {
          const float value = here.at[i];
          if (!(value > static_cast<float>(best.at[i])) && value == value) continue;  // NaN wins
          best.at[i] = here.at[i];
          pixel.at[i] = static_cast<std::int32_t>(h * sizes.width + w);
        }
      }
    }
    const std::int64_t at = sizes.window(n, p, q, c);
    store(y + at, best);
    store_words(argmax + at, pixel);
  }
};

/// A pixel sums dy of the windows whose largest value it is.
template <int Width, class T>
struct MaxGradient {
  PoolSizes sizes;
  T* dx;
  const T* dy;
  const std::int32_t* argmax;

  __device__ void operator()(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) const {
    const CoveringRange rows(h, sizes.p_end, sizes.options), columns(w, sizes.q_end, sizes.options);
    const auto pixel = static_cast<std::int32_t>(h * sizes.width + w);
    float sum[Width] = {};
    for (std::int64_t p = rows.begin; p < rows.end; ++p) {
      for (std::int64_t q = columns.begin; q < columns.end; ++q) {
        const std::int64_t at = sizes.window(n, p, q, c);
        const auto up = load<Width>(dy + at);
        const auto largest = load_words<Width>(argmax + at);
        for (int i = 0; i < Width; ++i) {
          if (largest.at[i] == pixel) sum[i] += static_cast<float>(up.at[i]);
        }
      }
    }
    Pack<T, Width> out;
    for (int i = 0; i < Width; ++i) out.at[i] = T(sum[i]);
    store(dx + sizes.pixel(n, h, w, c), out);
  }
};

void max_pool2d_forward(Tensor& y, Tensor& argmax, const Tensor& x, Pool2dOptions options) {
  dispatch_activation("max_pool2d", x.dtype(), [&]<class T>() {
    const PoolSizes sizes(x, y, options);
    const auto run = [&]<int Width>() {
      each_pixel<Width>(y, MaxValue<Width, T>{sizes, y.data<T>(), argmax.data<std::int32_t>(), x.data<T>()});
    };
    with_width<T>(x.dim(3), run, y.data<T>(), x.data<T>(), argmax.data<std::int32_t>());
  });
}

void max_pool2d_backward(Tensor& dx, const Tensor& dy, const Tensor& argmax, Pool2dOptions options) {
  dispatch_activation("max_pool2d", dy.dtype(), [&]<class T>() {
    const PoolSizes sizes(dx, dy, options);
    const auto run = [&]<int Width>() {
      each_pixel<Width>(
          dx, MaxGradient<Width, T>{sizes, dx.data<T>(), dy.data<T>(), argmax.data<std::int32_t>()});
    };
    with_width<T>(dx.dim(3), run, dx.data<T>(), dy.data<T>(), argmax.data<std::int32_t>());
  });
}

__device__ inline float window_share(const PoolSizes& sizes) {
  return 1.0f / static_cast<float>(sizes.options.kernel * sizes.options.kernel);
}

/// to = factor times the sum of from[offset(row, column)], row and column from two ranges.
template <int Width, class T, class Range, class Offset>
__device__ void average(T* to, const T* from, const Range& rows, const Range& columns, float factor,
                        Offset offset) {
  float sum[Width] = {};
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      const auto in = load<Width>(from + offset(row, column));
      for (int i = 0; i < Width; ++i) sum[i] += static_cast<float>(in.at[i]);
    }
  }
  Pack<T, Width> out;
  for (int i = 0; i < Width; ++i) out.at[i] = T(sum[i] * factor);
  store(to, out);
}

template <int Width, class T>
struct AverageValue {
  PoolSizes sizes;
  T* y;
  const T* x;
  __device__ void operator()(std::int64_t n, std::int64_t p, std::int64_t q, std::int64_t c) const {
    const PoolRange rows(p, sizes.height, sizes.options), columns(q, sizes.width, sizes.options);
    average<Width>(y + sizes.window(n, p, q, c), x, rows, columns, window_share(sizes),
                   [&](std::int64_t h, std::int64_t w) { return sizes.pixel(n, h, w, c); });
  }
};

template <int Width, class T>
struct AverageGradient {
  PoolSizes sizes;
  T* dx;
  const T* dy;
  __device__ void operator()(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) const {
    const CoveringRange rows(h, sizes.p_end, sizes.options), columns(w, sizes.q_end, sizes.options);
    average<Width>(dx + sizes.pixel(n, h, w, c), dy, rows, columns, window_share(sizes),
                   [&](std::int64_t p, std::int64_t q) { return sizes.window(n, p, q, c); });
  }
};

void avg_pool2d_forward(Tensor& y, const Tensor& x, Pool2dOptions options) {
  dispatch_activation("avg_pool2d", x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      each_pixel<Width>(y, AverageValue<Width, T>{PoolSizes(x, y, options), y.data<T>(), x.data<T>()});
    };
    with_width<T>(x.dim(3), run, y.data<T>(), x.data<T>());
  });
}

void avg_pool2d_backward(Tensor& dx, const Tensor& dy, Pool2dOptions options) {
  dispatch_activation("avg_pool2d", dy.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      each_pixel<Width>(dx,
                        AverageGradient<Width, T>{PoolSizes(dx, dy, options), dx.data<T>(), dy.data<T>()});
    };
    with_width<T>(dx.dim(3), run, dx.data<T>(), dy.data<T>());
  });
}

/// One block per sample and tile of channels; the grid has one chunk.
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

void global_avg_pool_forward(Tensor& y, const Tensor& x) {
  dispatch_activation("global_avg_pool", x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = image_grid<Width>(x, 0);
      launch("global_avg_pool_forward_kernel", global_avg_pool_forward_kernel<Width, T>,
             column_shape<Width>(grid), grid, y.data<T>(), x.data<T>());
    };
    with_width<T>(x.dim(3), run, x.data<T>());
  });
}

void global_avg_pool_backward(Tensor& dx, const Tensor& dy) {
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

void register_pooling() {
  max_pool2d_kernels.forward.set(DeviceType::cuda, max_pool2d_forward);
  max_pool2d_kernels.backward.set(DeviceType::cuda, max_pool2d_backward);
  avg_pool2d_kernels.forward.set(DeviceType::cuda, avg_pool2d_forward);
  avg_pool2d_kernels.backward.set(DeviceType::cuda, avg_pool2d_backward);
  global_avg_pool_kernels.forward.set(DeviceType::cuda, global_avg_pool_forward);
  global_avg_pool_kernels.backward.set(DeviceType::cuda, global_avg_pool_backward);
}

}  // namespace salu::cuda
