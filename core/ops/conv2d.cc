// SPDX-License-Identifier: MIT
#include "core/ops/conv2d.h"

#include <algorithm>

#include "core/ops/amx.h"
#include "core/ops/onednn.h"
#include "core/parallel.h"

namespace salu {
namespace {

/// The reference convolution: plain loops, used for f64 (gradient checks). f32 and bf16 use oneDNN,
/// bf16 the matrix unit where there is one.

void check_same(const char* name, const Tensor& t, const Tensor& x) {
  check(t.dtype() == x.dtype() && t.device() == x.device(), "[conv2d] expected {} {} on {}, got {} on {}",
        name, dtype_name(x.dtype()), x.device().str(), dtype_name(t.dtype()), t.device().str());
}

/// GPU kernels index pixels and taps with 32 bits.
void check_counts(const Shape& x, const Shape& w, const Shape& y, std::int64_t padding) {
  constexpr std::int64_t kSide = std::int64_t{1} << 30, kCount = std::int64_t{1} << 31;
  check(x[1] + 2 * padding < kSide && x[2] + 2 * padding < kSide && x[0] * x[1] * x[2] < kCount &&
            y[0] * y[1] * y[2] < kCount && w[1] * w[2] * std::max(w[0], w[3]) < kCount,
        "[conv2d] expected fewer than 2^31 pixels and taps and padded sides below 2^30, got x {}, w {}, "
        "padding {}",
        x.str(), w.str(), padding);
}

struct Dims {
  std::int64_t n, h, w, c, k, r, s, p, q, stride, padding;
};

Dims dims_of(const Tensor& x, const Tensor& filter, const Tensor& y, Conv2dOptions o) {
  return {x.dim(0),      x.dim(1), x.dim(2), x.dim(3), filter.dim(0), filter.dim(1),
          filter.dim(2), y.dim(1), y.dim(2), o.stride, o.padding};
}

/// Calls body(y index, x index, w index) for every product of image n and filter k: the whole definition of
/// the op.
template <class Body>
void each_product(const Dims& d, std::int64_t n, std::int64_t k, Body&& body) {
  for (std::int64_t p = 0; p < d.p; ++p) {
    for (std::int64_t q = 0; q < d.q; ++q) {
      for (std::int64_t r = 0; r < d.r; ++r) {
        const std::int64_t h = p * d.stride + r - d.padding;
        if (h < 0 || h >= d.h) continue;
        for (std::int64_t s = 0; s < d.s; ++s) {
          const std::int64_t w = q * d.stride + s - d.padding;
          if (w < 0 || w >= d.w) continue;
          for (std::int64_t c = 0; c < d.c; ++c) {
            body(((n * d.p + p) * d.q + q) * d.k + k, ((n * d.h + h) * d.w + w) * d.c + c,
                 ((k * d.r + r) * d.s + s) * d.c + c);
          }
        }
      }
    }
  }
}

void forward_loops(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  const Dims d = dims_of(x, w, y, options);
  const double *px = x.data<double>(), *pw = w.data<double>();
  double* py = y.data<double>();
  y.fill(0);
  parallel_for(d.n, 1, [&](std::int64_t n, std::int64_t) {
    for (std::int64_t k = 0; k < d.k; ++k) {
      each_product(d, n, k, [=](auto iy, auto ix, auto iw) { py[iy] += px[ix] * pw[iw]; });
    }
  });
}

void backward_data_loops(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options) {
  const Dims d = dims_of(dx, w, dy, options);
  const double *pdy = dy.data<double>(), *pw = w.data<double>();
  double* pdx = dx.data<double>();
  dx.fill(0);
  parallel_for(d.n, 1, [&](std::int64_t n, std::int64_t) {
    for (std::int64_t k = 0; k < d.k; ++k) {
      each_product(d, n, k, [=](auto iy, auto ix, auto iw) { pdx[ix] += pdy[iy] * pw[iw]; });
    }
  });
}

void backward_weight_loops(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  const Dims d = dims_of(x, dw, dy, options);
  const double *pdy = dy.data<double>(), *px = x.data<double>();
  double* pdw = dw.data<double>();
  parallel_for(d.k, 1, [&](std::int64_t k, std::int64_t) {
    for (std::int64_t n = 0; n < d.n; ++n) {
      each_product(d, n, k, [=](auto iy, auto ix, auto iw) { pdw[iw] += pdy[iy] * px[ix]; });
    }
  });
}

void conv2d_forward_cpu(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  if (amx::supports(x, x.dim(0))) return amx::conv2d_forward(y, x, w, options);
  (x.dtype() == DType::f64 ? forward_loops : onednn::conv2d_forward)(y, x, w, options);
}
void conv2d_backward_data_cpu(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options) {
  if (amx::supports(dy, dy.dim(0))) return amx::conv2d_backward_data(dx, dy, w, options);
  (dy.dtype() == DType::f64 ? backward_data_loops : onednn::conv2d_backward_data)(dx, dy, w, options);
}
void conv2d_backward_weight_cpu(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  if (amx::supports(dy, dy.dim(0))) return amx::conv2d_backward_weight(dw, dy, x, options);
  (dy.dtype() == DType::f64 ? backward_weight_loops : onednn::conv2d_backward_weight)(dw, dy, x, options);
}

}  // namespace

constinit Conv2dKernels conv2d_kernels{{"conv2d_forward", conv2d_forward_cpu},
                                       {"conv2d_backward_data", conv2d_backward_data_cpu},
                                       {"conv2d_backward_weight", conv2d_backward_weight_cpu}};

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
