// SPDX-License-Identifier: MIT
/// The readable convolution: plain loops, used for f64 (gradient checks). f32 goes to oneDNN.
#include "core/ops/conv2d.h"
#include "core/ops/conv2d_onednn.h"
#include "core/parallel.h"

namespace salu {
namespace {

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

void forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  (x.dtype() == DType::f64 ? forward_loops : onednn::conv2d_forward)(y, x, w, options);
}
void backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options) {
  (dy.dtype() == DType::f64 ? backward_data_loops : onednn::conv2d_backward_data)(dx, dy, w, options);
}
void backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  (dy.dtype() == DType::f64 ? backward_weight_loops : onednn::conv2d_backward_weight)(dw, dy, x, options);
}

}  // namespace

constinit Conv2dKernels conv2d_kernels{{"conv2d_forward", forward},
                                       {"conv2d_backward_data", backward_data},
                                       {"conv2d_backward_weight", backward_weight}};

}  // namespace salu
