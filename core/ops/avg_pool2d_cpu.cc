// SPDX-License-Identifier: MIT
#include "core/ops/avg_pool2d.h"
#include "core/ops/pool2d.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

/// Calls `body(pixel, window)` with the offsets of every pixel (H,W,C) in every window (P,Q,C) of sample n.
template <class Body>
void each_pixel_of_windows(const Shape& x, const Shape& y, const Pool2dOptions& options, std::int64_t n,
                           Body&& body) {
  const std::int64_t height = x[1], width = x[2], c = x[3], p_end = y[1], q_end = y[2];
  for (std::int64_t p = 0; p < p_end; ++p) {
    const PoolRange rows(p, height, options);
    for (std::int64_t q = 0; q < q_end; ++q) {
      const PoolRange columns(q, width, options);
      const std::int64_t window = ((n * p_end + p) * q_end + q) * c;
      for (std::int64_t h = rows.begin; h < rows.end; ++h) {
        for (std::int64_t w = columns.begin; w < columns.end; ++w) {
          body(((n * height + h) * width + w) * c, window);
        }
      }
    }
  }
}

/// to[target] += from[source] / k^2 for every pixel of every window, C numbers at a time; a sample in one
/// task, because windows overlap within it.
template <class T, class Offsets>
void average(const Shape& x, const Shape& y, const Pool2dOptions& options, const T* from, T* to,
             std::int64_t to_sample, Offsets&& offsets) {
  const T factor = T(1) / static_cast<T>(options.kernel * options.kernel);
  const std::int64_t channels = x[3], work = y[1] * y[2] * channels * options.kernel * options.kernel;
  parallel_for(x[0], row_grain(x[0], work), [&](std::int64_t begin, std::int64_t end) {
    std::fill(to + begin * to_sample, to + end * to_sample, T(0));
    for (std::int64_t n = begin; n < end; ++n) {
      each_pixel_of_windows(x, y, options, n, [=](std::int64_t pixel, std::int64_t window) {
        const auto [source, target] = offsets(pixel, window);
        for (std::int64_t c = 0; c < channels; ++c) to[target + c] += from[source + c] * factor;
      });
    }
  });
}

void forward(Tensor& y, const Tensor& x, Pool2dOptions options) {
  dispatch_float("avg_pool2d", x.dtype(), [&]<class T>() {
    average(x.shape(), y.shape(), options, x.data<T>(), y.data<T>(), y.dim(1) * y.dim(2) * y.dim(3),
            [](std::int64_t pixel, std::int64_t window) { return std::pair(pixel, window); });
  });
}

void backward(Tensor& dx, const Tensor& dy, Pool2dOptions options) {
  dispatch_float("avg_pool2d", dy.dtype(), [&]<class T>() {
    average(dx.shape(), dy.shape(), options, dy.data<T>(), dx.data<T>(), dx.dim(1) * dx.dim(2) * dx.dim(3),
            [](std::int64_t pixel, std::int64_t window) { return std::pair(window, pixel); });
  });
}

}  // namespace

constinit AvgPool2dKernels avg_pool2d_kernels{{"avg_pool2d_forward", forward},
                                              {"avg_pool2d_backward", backward}};

}  // namespace salu
