// SPDX-License-Identifier: MIT
#include "core/ops/max_pool2d.h"
#include "core/ops/pool2d.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

/// Largest values and their pixels over the window rows x columns of the image x (H,W,C), width W.
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
        const bool larger = value[c] > best[c] || value[c] != value[c];  // NaN wins, and stays
        best[c] = larger ? value[c] : best[c];
        pixel[c] = larger ? here : pixel[c];
      }
    }
  }
}

void forward(Tensor& y, Tensor& argmax, const Tensor& x, Pool2dOptions options) {
  dispatch_float("max_pool2d", x.dtype(), [&]<class T>() {
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

void backward(Tensor& dx, const Tensor& dy, const Tensor& argmax, Pool2dOptions) {
  dispatch_float("max_pool2d", dy.dtype(), [&]<class T>() {
    const std::int64_t n = dx.dim(0), c = dx.dim(3), image = dx.dim(1) * dx.dim(2) * c;
    const std::int64_t windows = dy.dim(1) * dy.dim(2);
    const T* up = dy.data<T>();
    const std::int32_t* pixels = argmax.data<std::int32_t>();
    T* out = dx.data<T>();
    // One sample in one task: windows overlap within it only.
    parallel_for(n, row_grain(n, image), [=](std::int64_t begin, std::int64_t end) {
      std::fill(out + begin * image, out + end * image, T(0));
      for (std::int64_t i = begin * windows; i < end * windows; ++i) {
        T* sample = out + i / windows * image;
        for (std::int64_t k = 0; k < c; ++k) sample[pixels[i * c + k] * c + k] += up[i * c + k];
      }
    });
  });
}

}  // namespace

constinit MaxPool2dKernels max_pool2d_kernels{{"max_pool2d_forward", forward},
                                              {"max_pool2d_backward", backward}};

}  // namespace salu
