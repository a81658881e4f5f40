// SPDX-License-Identifier: MIT
#include "core/ops/avg_pool2d.h"
#include "cuda/kernels/pool2d.cuh"

namespace salu::cuda {
namespace {

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
struct Value {
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
struct Gradient {
  PoolSizes sizes;
  T* dx;
  const T* dy;
  __device__ void operator()(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) const {
    const CoveringRange rows(h, sizes.p_end, sizes.options), columns(w, sizes.q_end, sizes.options);
    average<Width>(dx + sizes.pixel(n, h, w, c), dy, rows, columns, window_share(sizes),
                   [&](std::int64_t p, std::int64_t q) { return sizes.window(n, p, q, c); });
  }
};

void forward(Tensor& y, const Tensor& x, Pool2dOptions options) {
  dispatch_activation("avg_pool2d", x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      each_pixel<Width>(y, Value<Width, T>{PoolSizes(x, y, options), y.data<T>(), x.data<T>()});
    };
    with_width<T>(x.dim(3), run, y.data<T>(), x.data<T>());
  });
}

void backward(Tensor& dx, const Tensor& dy, Pool2dOptions options) {
  dispatch_activation("avg_pool2d", dy.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      each_pixel<Width>(dx, Gradient<Width, T>{PoolSizes(dx, dy, options), dx.data<T>(), dy.data<T>()});
    };
    with_width<T>(dx.dim(3), run, dx.data<T>(), dy.data<T>());
  });
}

}  // namespace

void register_avg_pool2d() {
  avg_pool2d_kernels.forward.set(DeviceType::cuda, forward);
  avg_pool2d_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
