// SPDX-License-Identifier: MIT
/// Pooling of images.
#pragma once

#include <algorithm>

#include "core/kernel.h"
#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// Pixels [begin, end) of one dimension that a window covers; padding is cut off.
struct PoolRange {
  std::int64_t begin, end;

  SALU_HOST_DEVICE PoolRange(std::int64_t i, std::int64_t size, const Pool2dOptions& o)
      : begin(std::max<std::int64_t>(i * o.stride - o.padding, 0)),
        end(std::min(i * o.stride - o.padding + o.kernel, size)) {}
};

/// (N,P,Q,C) for x (N,H,W,C), P = floor((H + 2 padding - kernel) / stride) + 1. Throws when a window would
/// lie in the padding alone or would not fit.
Shape pool2d_shape(const char* op, const Shape& x, const Pool2dOptions& o);

/// Largest value of each window. Padding counts as minus infinity, NaN wins, and of equal values the first
/// wins.
/// Forward:  y[n,p,q,c] = max over r, s < kernel of x[n, p stride - padding + r, q stride - padding + s, c]
/// Backward: dx[n,h,w,c] = sum of dy over the windows whose largest value it was
/// Shapes:   x (N,H,W,C), y (N,P,Q,C), P = floor((H + 2 padding - kernel) / stride) + 1
/// Saved:    argmax (N,P,Q,C) i32, the pixel h W + w; the shape of x
/// Grad:     dx =
/// Ref:      -
struct MaxPool2dResult {
  Tensor y;
  Tensor argmax;
};
MaxPool2dResult max_pool2d_forward(const Tensor& x, Pool2dOptions options);
Tensor max_pool2d_backward(const Tensor& dy, const Tensor& argmax, const Shape& x_shape,
                           Pool2dOptions options);

struct MaxPool2dKernels {
  Kernel<void(Tensor& y, Tensor& argmax, const Tensor& x, Pool2dOptions options)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& argmax, Pool2dOptions options)> backward;
};
extern MaxPool2dKernels max_pool2d_kernels;

/// Mean of each window. Padding counts as zeros that are averaged too (PyTorch's count_include_pad).
/// Forward:  y[n,p,q,c] = 1/k^2 sum over r, s < k of x[n, p stride - padding + r, q stride - padding + s, c],
///           k the kernel
/// Backward: dx[n,h,w,c] = sum of dy / k^2 over the windows that cover it
/// Shapes:   x (N,H,W,C), y (N,P,Q,C), P = floor((H + 2 padding - k) / stride) + 1
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      -
Tensor avg_pool2d_forward(const Tensor& x, Pool2dOptions options);
Tensor avg_pool2d_backward(const Tensor& dy, const Shape& x_shape, Pool2dOptions options);

struct AvgPool2dKernels {
  Kernel<void(Tensor& y, const Tensor& x, Pool2dOptions options)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, Pool2dOptions options)> backward;
};
extern AvgPool2dKernels avg_pool2d_kernels;

/// Mean over the pixels of each channel: the last step before the classifier of a ResNet.
/// Forward:  y[n,c] = mean over h, w of x[n,h,w,c]
/// Backward: dx[n,h,w,c] = dy[n,c] / (H W)
/// Shapes:   x (N,H,W,C) with H, W >= 1, y (N,C)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      Lin et al. 2013, section 3.2
Tensor global_avg_pool_forward(const Tensor& x);
Tensor global_avg_pool_backward(const Tensor& dy, const Shape& x_shape);

struct GlobalAvgPoolKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward;
};
extern GlobalAvgPoolKernels global_avg_pool_kernels;

}  // namespace salu
