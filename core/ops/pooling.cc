// SPDX-License-Identifier: MIT
#include "core/ops/pooling.h"

#include <limits>

#include "core/ops/reduce.h"
#include "core/ops/wide.h"

namespace salu {

Shape pool2d_shape(const char* op, const Shape& x, const Pool2dOptions& o) {
  check(x.rank() == 4 && x[1] > 0 && x[2] > 0, "[{}] expected x (N,H,W,C) with at least one pixel, got {}",
        op, x.str());
  check(o.kernel > 0 && o.stride > 0 && o.padding >= 0 && 2 * o.padding <= o.kernel,
        "[{}] expected kernel, stride >= 1 and 0 <= padding <= kernel/2, got kernel {} stride {} padding {}",
        op, o.kernel, o.stride, o.padding);
  const std::int64_t h = x[1] + 2 * o.padding - o.kernel, w = x[2] + 2 * o.padding - o.kernel;
  check(h >= 0 && w >= 0,
        "[{}] expected a window no larger than the padded input, got kernel {} padding {} x {}", op, o.kernel,
        o.padding, x.str());
  return {x[0], h / o.stride + 1, w / o.stride + 1, x[3]};
}

namespace {

/// Largest values, and their pixels, over the window rows x columns of the image x (H,W,C) of width W.
template <class T>
void window_max(const T* x, PoolRange rows, PoolRange columns, std::int64_t width, std::int64_t channels,
                T* best, std::int32_t* pixel) {
  const std::int64_t first = rows.begin * width + columns.begin;
  std::copy(x + first * channels, x + (first + 1) * channels, best);
  std::fill(pixel, pixel + channels, static_cast<std::int32_t>(first));
  for (std::int64_t h = rows.begin; h < rows.end; ++h) {
    for (std::int64_t w = columns.begin; w < columns.end; ++w) {
      const auto here = static_cast<std::int32_t>(h * width + w);
      const T* value = x + here * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        const bool larger = value[c] > best[c] || value[c] != value[c];  // NaN wins
        best[c] = larger ? value[c] : best[c];
        pixel[c] = larger ? here : pixel[c];
      }
    }
  }
}

void max_pool2d_forward_cpu(Tensor& y, Tensor& argmax, const Tensor& x, Pool2dOptions options) {
  dispatch_elements("max_pool2d", x.dtype(), [&]<class T>() {
    const std::int64_t height = x.dim(1), width = x.dim(2), c = x.dim(3), p = y.dim(1), q = y.dim(2);
    const std::int64_t rows = y.dim(0) * p, work = q * c * options.kernel * options.kernel;
    const T* in = x.data<T>();
    T* out = y.data<T>();
    std::int32_t* pixels = argmax.data<std::int32_t>();
    parallel_for(rows, row_grain(rows, work), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* image = in + i / p * height * width * c;
        for (std::int64_t j = 0; j < q; ++j) {
          const std::int64_t at = (i * q + j) * c;
          window_max(image, {i % p, height, options}, {j, width, options}, width, c, out + at, pixels + at);
        }
      }
    });
  });
}

void max_pool2d_backward_cpu(Tensor& dx, const Tensor& dy, const Tensor& argmax, Pool2dOptions) {
  dispatch_elements("max_pool2d", dy.dtype(), [&]<class T>() {
    const std::int64_t n = dx.dim(0), c = dx.dim(3), image = dx.dim(1) * dx.dim(2) * c;
    const std::int64_t windows = dy.dim(1) * dy.dim(2);
    const T* up = dy.data<T>();
    const std::int32_t* pixels = argmax.data<std::int32_t>();
    T* out = dx.data<T>();
    // One task per sample: windows overlap only within it.
    parallel_for(n, row_grain(n, image), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t s = begin; s < end; ++s) {
        WideOutput<T> sums(out + s * image, 1, image, image);
        Wide<T>* sample = sums.data();
        std::fill_n(sample, image, Wide<T>(0));
        for (std::int64_t i = s * windows; i < (s + 1) * windows; ++i) {
          for (std::int64_t k = 0; k < c; ++k) sample[pixels[i * c + k] * c + k] += up[i * c + k];
        }
        sums.store();
      }
    });
  });
}

}  // namespace

constinit MaxPool2dKernels max_pool2d_kernels{{"max_pool2d_forward", max_pool2d_forward_cpu},
                                              {"max_pool2d_backward", max_pool2d_backward_cpu}};

MaxPool2dResult max_pool2d_forward(const Tensor& x, Pool2dOptions options) {
  const Shape shape = pool2d_shape("max_pool2d", x.shape(), options);
  check(x.dim(1) * x.dim(2) <= std::numeric_limits<std::int32_t>::max(),
        "[max_pool2d] expected fewer than 2^31 pixels, got x {}", x.shape().str());
  MaxPool2dResult result{Tensor::empty(shape, x.dtype(), x.device()),
                         Tensor::empty(shape, DType::i32, x.device())};
  max_pool2d_kernels.forward(x.device(), result.y, result.argmax, x, options);
  return result;
}

Tensor max_pool2d_backward(const Tensor& dy, const Tensor& argmax, const Shape& x_shape,
                           Pool2dOptions options) {
  check_shape("max_pool2d", "argmax", argmax, pool2d_shape("max_pool2d", x_shape, options));
  check_shape("max_pool2d", "dy", dy, argmax.shape());
  return shaped(max_pool2d_kernels.backward, x_shape, dy, dy, argmax, options);
}

namespace {

/// Calls `body(pixel, window)` with the offsets of every pixel (H,W,C) in every window (P,Q,C) of a sample.
template <class Body>
void each_pixel_of_windows(const Shape& x, const Shape& y, const Pool2dOptions& options, Body&& body) {
  const std::int64_t height = x[1], width = x[2], c = x[3], p_end = y[1], q_end = y[2];
  for (std::int64_t p = 0; p < p_end; ++p) {
    const PoolRange rows(p, height, options);
    for (std::int64_t q = 0; q < q_end; ++q) {
      const PoolRange columns(q, width, options);
      const std::int64_t window = (p * q_end + q) * c;
      for (std::int64_t h = rows.begin; h < rows.end; ++h) {
        for (std::int64_t w = columns.begin; w < columns.end; ++w) {
          body((h * width + w) * c, window);
        }
      }
    }
  }
}

/// to[target] += from[source] / k^2 for every pixel of every window, C numbers at a time. One task per
/// sample, because windows overlap within it.
template <class T, class Offsets>
void average(const Shape& x, const Shape& y, const Pool2dOptions& options, const Tensor& from, Tensor& to,
             Offsets&& offsets) {
  const Wide<T> factor = Wide<T>(1) / static_cast<Wide<T>>(options.kernel * options.kernel);
  const std::int64_t from_sample = from.numel() / std::max<std::int64_t>(x[0], 1),
                     to_sample = to.numel() / std::max<std::int64_t>(x[0], 1);
  const T* in = from.data<T>();
  T* out = to.data<T>();
  const std::int64_t channels = x[3], work = y[1] * y[2] * channels * options.kernel * options.kernel;
  parallel_for(x[0], row_grain(x[0], work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      WideOutput<T> sums(out + n * to_sample, 1, to_sample, to_sample);
      Wide<T>* total = sums.data();
      const T* sample = in + n * from_sample;
      std::fill_n(total, to_sample, Wide<T>(0));
      each_pixel_of_windows(x, y, options, [=](std::int64_t pixel, std::int64_t window) {
        const auto [source, target] = offsets(pixel, window);
        for (std::int64_t c = 0; c < channels; ++c) total[target + c] += sample[source + c] * factor;
      });
      sums.store();
    }
  });
}

void avg_pool2d_forward_cpu(Tensor& y, const Tensor& x, Pool2dOptions options) {
  dispatch_elements("avg_pool2d", x.dtype(), [&]<class T>() {
    average<T>(x.shape(), y.shape(), options, x, y,
               [](std::int64_t pixel, std::int64_t window) { return std::pair(pixel, window); });
  });
}

void avg_pool2d_backward_cpu(Tensor& dx, const Tensor& dy, Pool2dOptions options) {
  dispatch_elements("avg_pool2d", dy.dtype(), [&]<class T>() {
    average<T>(dx.shape(), dy.shape(), options, dy, dx,
               [](std::int64_t pixel, std::int64_t window) { return std::pair(window, pixel); });
  });
}

}  // namespace

constinit AvgPool2dKernels avg_pool2d_kernels{{"avg_pool2d_forward", avg_pool2d_forward_cpu},
                                              {"avg_pool2d_backward", avg_pool2d_backward_cpu}};

Tensor avg_pool2d_forward(const Tensor& x, Pool2dOptions options) {
  return shaped(avg_pool2d_kernels.forward, pool2d_shape("avg_pool2d", x.shape(), options), x, x, options);
}

Tensor avg_pool2d_backward(const Tensor& dy, const Shape& x_shape, Pool2dOptions options) {
  check_shape("avg_pool2d", "dy", dy, pool2d_shape("avg_pool2d", x_shape, options));
  return shaped(avg_pool2d_kernels.backward, x_shape, dy, dy, options);
}

namespace {

void global_avg_pool_forward_cpu(Tensor& y, const Tensor& x) {
  dispatch_elements("global_avg_pool", x.dtype(), [&]<class T>() {
    const std::int64_t n = x.dim(0), pixels = x.dim(1) * x.dim(2), c = x.dim(3);
    const T* in = x.data<T>();
    T* out = y.data<T>();
    parallel_for(n, row_grain(n, pixels * c), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::vector<double> sums(static_cast<std::size_t>(c));
        sum_rows<Wide<T>>(i * pixels, (i + 1) * pixels, c, sums.data(), [=](std::int64_t r, Wide<T>* block) {
          for (std::int64_t k = 0; k < c; ++k) block[k] += in[r * c + k];
        });
        for (std::int64_t k = 0; k < c; ++k) {
          out[i * c + k] =
              T(static_cast<Wide<T>>(sums[static_cast<std::size_t>(k)] / static_cast<double>(pixels)));
        }
      }
    });
  });
}

void global_avg_pool_backward_cpu(Tensor& dx, const Tensor& dy) {
  dispatch_elements("global_avg_pool", dy.dtype(), [&]<class T>() {
    const std::int64_t n = dx.dim(0), pixels = dx.dim(1) * dx.dim(2), c = dx.dim(3);
    const Wide<T> factor = Wide<T>(1) / static_cast<Wide<T>>(pixels);
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(n * pixels, row_grain(n * pixels, c), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const T* row = in + r / pixels * c;
        for (std::int64_t k = 0; k < c; ++k) out[r * c + k] = T(row[k] * factor);
      }
    });
  });
}

}  // namespace

constinit GlobalAvgPoolKernels global_avg_pool_kernels{
    {"global_avg_pool_forward", global_avg_pool_forward_cpu},
    {"global_avg_pool_backward", global_avg_pool_backward_cpu}};

Tensor global_avg_pool_forward(const Tensor& x) {
  check(x.shape().rank() == 4 && x.dim(1) > 0 && x.dim(2) > 0,
        "[global_avg_pool] expected x (N,H,W,C) with at least one pixel, got {}", x.shape().str());
  return shaped(global_avg_pool_kernels.forward, {x.dim(0), x.dim(3)}, x, x);
}

Tensor global_avg_pool_backward(const Tensor& dy, const Shape& x_shape) {
  check_shape("global_avg_pool", "dy", dy, {x_shape[0], x_shape[3]});
  return shaped(global_avg_pool_kernels.backward, x_shape, dy, dy);
}

}  // namespace salu
