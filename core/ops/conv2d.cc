// SPDX-License-Identifier: MIT
#include "core/ops/conv2d.h"

#include <algorithm>

namespace salu {
namespace {

void check_same(const char* name, const Tensor& t, const Tensor& x) {
  check(t.dtype() == x.dtype() && t.device() == x.device(), "[conv2d] expected {} {} on {}, got {} on {}",
        name, dtype_name(x.dtype()), x.device().str(), dtype_name(t.dtype()), t.device().str());
}

/// The kernels of a GPU count pixels and taps in 32 bits.
void check_counts(const Shape& x, const Shape& w, const Shape& y, std::int64_t padding) {
  constexpr std::int64_t kSide = std::int64_t{1} << 30, kCount = std::int64_t{1} << 31;
  check(x[1] + 2 * padding < kSide && x[2] + 2 * padding < kSide && x[0] * x[1] * x[2] < kCount &&
            y[0] * y[1] * y[2] < kCount && w[1] * w[2] * std::max(w[0], w[3]) < kCount,
        "[conv2d] expected fewer than 2^31 pixels and taps and padded sides below 2^30, got x {}, w {}, "
        "padding {}",
        x.str(), w.str(), padding);
}

}  // namespace

Shape conv2d_output_shape(const Shape& x, const Shape& w, Conv2dOptions options) {
  check(x.rank() == 4 && w.rank() == 4, "[conv2d] expected x (N,H,W,C) and w (K,R,S,C), got x {}, w {}",
        x.str(), w.str());
  check(x[3] == w[3], "[conv2d] expected input channels {} as in w {}, got {} in x {}", w[3], w.str(), x[3],
        x.str());
  check(w[0] >= 1 && w[3] >= 1, "[conv2d] expected at least one input and one output channel, got w {}",
        w.str());
  check(options.stride >= 1 && options.padding >= 0,
        "[conv2d] expected stride >= 1 and padding >= 0, got {} and {}", options.stride, options.padding);
  const std::int64_t height = x[1] + 2 * options.padding, width = x[2] + 2 * options.padding;
  check(w[1] >= 1 && w[2] >= 1 && height >= w[1] && width >= w[2],
        "[conv2d] expected a filter that fits the padded input, got w {} on {} x {}", w.str(), height, width);
  const Shape y{x[0], (height - w[1]) / options.stride + 1, (width - w[2]) / options.stride + 1, w[0]};
  check_counts(x, w, y, options.padding);
  return y;
}

Tensor conv2d_forward(const Tensor& x, const Tensor& w, Conv2dOptions options) {
  const Shape shape = conv2d_output_shape(x.shape(), w.shape(), options);
  check_same("w", w, x);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.numel() > 0) conv2d_kernels.forward(x.device(), y, x, w, options);
  return y;
}

Tensor conv2d_backward_data(const Tensor& dy, const Tensor& w, Shape x_shape, Conv2dOptions options) {
  check_shape("conv2d", "dy", dy, conv2d_output_shape(x_shape, w.shape(), options));
  check_same("w", w, dy);
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  if (dx.numel() > 0) conv2d_kernels.backward_data(dy.device(), dx, dy, w, options);
  return dx;
}

void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  check_shape("conv2d", "dy", dy, conv2d_output_shape(x.shape(), dw.shape(), options));
  check_same("dy", dy, x);
  check_parameter("conv2d", "dw", dw, x);
  if (dy.numel() > 0) conv2d_kernels.backward_weight(dy.device(), dw, dy, x, options);
}

}  // namespace salu
