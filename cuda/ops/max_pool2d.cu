// SPDX-License-Identifier: MIT
#include "core/ops/max_pool2d.h"
#include "cuda/kernels/pool2d.cuh"

namespace salu::cuda {
namespace {

template <int Width, class T>
struct Largest {
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
          if (!(value > static_cast<float>(best.at[i])) && value == value) continue;  // NaN wins, and stays
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

/// A pixel asks the windows that cover it whose largest value it was.
template <int Width, class T>
struct Gradient {
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

void forward(Tensor& y, Tensor& argmax, const Tensor& x, Pool2dOptions options) {
  dispatch_activation("max_pool2d", x.dtype(), [&]<class T>() {
    const PoolSizes sizes(x, y, options);
    const auto run = [&]<int Width>() {
      each_pixel<Width>(y, Largest<Width, T>{sizes, y.data<T>(), argmax.data<std::int32_t>(), x.data<T>()});
    };
    with_width<T>(x.dim(3), run, y.data<T>(), x.data<T>(), argmax.data<std::int32_t>());
  });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& argmax, Pool2dOptions options) {
  dispatch_activation("max_pool2d", dy.dtype(), [&]<class T>() {
    const PoolSizes sizes(dx, dy, options);
    const auto run = [&]<int Width>() {
      each_pixel<Width>(dx,
                        Gradient<Width, T>{sizes, dx.data<T>(), dy.data<T>(), argmax.data<std::int32_t>()});
    };
    with_width<T>(dx.dim(3), run, dx.data<T>(), dy.data<T>(), argmax.data<std::int32_t>());
  });
}

}  // namespace

void register_max_pool2d() {
  max_pool2d_kernels.forward.set(DeviceType::cuda, forward);
  max_pool2d_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
