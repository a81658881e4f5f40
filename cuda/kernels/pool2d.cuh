// SPDX-License-Identifier: MIT
/// What the kernels of max_pool2d and avg_pool2d share. Forward and backward both gather, one thread for a
/// pack of channels of one output pixel: no two threads write the same number.
#pragma once

#include "core/ops/pool2d.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/pack.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

/// The (H,W) of the image (N,H,W,C) and the (P,Q) of its windows (N,P,Q,C).
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

/// Windows [begin, end) of one dimension that cover pixel i: the reverse of PoolRange.
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

}  // namespace salu::cuda
