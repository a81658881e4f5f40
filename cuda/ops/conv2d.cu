// SPDX-License-Identifier: MIT
/// Rung 0 is the definition of the op, a thread per output. The other rungs are those of gemm.h: each pass is
/// a product whose matrices are views of the images and filters, (pixels, taps and channels) mostly.
#include "core/ops/conv2d.h"
#include "cuda/kernels/conv2d_view.cuh"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/gemm.cuh"

namespace salu::cuda {
namespace {

/// x (n,h,w,c), filters (k,r,s,c), y (n,p,q,k)
struct Dims {
  std::int64_t n, h, w, c, k, r, s, p, q, stride, padding;
};

Dims dims_of(const Tensor& x, const Tensor& filter, const Tensor& y, Conv2dOptions o) {
  return {x.dim(0),      x.dim(1), x.dim(2), x.dim(3), filter.dim(0), filter.dim(1),
          filter.dim(2), y.dim(1), y.dim(2), o.stride, o.padding};
}

/// Coordinates (a,b,c,d) of element i of a tensor (.,B,C,D).
struct Place {
  std::int64_t a, b, c, d;
};
__device__ Place place(std::int64_t i, std::int64_t size_b, std::int64_t size_c, std::int64_t size_d) {
  return {i / size_d / size_c / size_b, i / size_d / size_c % size_b, i / size_d % size_c, i % size_d};
}

template <class T>
__global__ void conv2d_direct_forward_kernel(Dims d, T* y, const T* x, const T* w) {
  const std::int64_t i = global_thread();
  if (i >= d.n * d.p * d.q * d.k) return;
  const auto [n, p, q, k] = place(i, d.p, d.q, d.k);
  float sum = 0;
  for (std::int64_t r = 0; r < d.r; ++r) {
    const std::int64_t row = p * d.stride + r - d.padding;
    if (row < 0 || row >= d.h) continue;
    for (std::int64_t s = 0; s < d.s; ++s) {
      const std::int64_t column = q * d.stride + s - d.padding;
      if (column < 0 || column >= d.w) continue;
      const T* pixel = x + ((n * d.h + row) * d.w + column) * d.c;
      const T* tap = w + ((k * d.r + r) * d.s + s) * d.c;
      for (std::int64_t c = 0; c < d.c; ++c) sum += static_cast<float>(pixel[c]) * static_cast<float>(tap[c]);
    }
  }
  y[i] = T(sum);
}

/// Gathers: visits the outputs that pixel (h,w) contributed to, and their taps.
template <class T>
__global__ void conv2d_direct_data_kernel(Dims d, T* dx, const T* dy, const T* w) {
  const std::int64_t i = global_thread();
  if (i >= d.n * d.h * d.w * d.c) return;
  const auto [n, row, column, c] = place(i, d.h, d.w, d.c);
  float sum = 0;
  for (std::int64_t r = 0; r < d.r; ++r) {
    const std::int64_t p = (row + d.padding - r) / d.stride;
    if (row + d.padding - r != p * d.stride || p < 0 || p >= d.p) continue;
    for (std::int64_t s = 0; s < d.s; ++s) {
      const std::int64_t q = (column + d.padding - s) / d.stride;
      if (column + d.padding - s != q * d.stride || q < 0 || q >= d.q) continue;
      const T* gradient = dy + ((n * d.p + p) * d.q + q) * d.k;
      for (std::int64_t k = 0; k < d.k; ++k) {
        sum += static_cast<float>(gradient[k]) * static_cast<float>(w[((k * d.r + r) * d.s + s) * d.c + c]);
      }
    }
  }
  dx[i] = T(sum);
}

/// dw += with one thread per weight: the sum over all images has a fixed order, but little parallelism.
template <class T>
__global__ void conv2d_direct_weight_kernel(Dims d, float* dw, const T* dy, const T* x) {
  const std::int64_t i = global_thread();
  if (i >= d.k * d.r * d.s * d.c) return;
  const auto [k, r, s, c] = place(i, d.r, d.s, d.c);
  float sum = 0;
  for (std::int64_t n = 0; n < d.n; ++n) {
    for (std::int64_t p = 0; p < d.p; ++p) {
      const std::int64_t row = p * d.stride + r - d.padding;
      if (row < 0 || row >= d.h) continue;
      for (std::int64_t q = 0; q < d.q; ++q) {
        const std::int64_t column = q * d.stride + s - d.padding;
        if (column < 0 || column >= d.w) continue;
        sum += static_cast<float>(dy[((n * d.p + p) * d.q + q) * d.k + k]) *
               static_cast<float>(x[((n * d.h + row) * d.w + column) * d.c + c]);
      }
    }
  }
  dw[i] += sum;
}

/// x as (pixels of y, taps and channels): the patches under the filter (im2col).
template <class T>
PatchView<T> patches(const Dims& d, const T* x) {
  return {{x, d.h, d.w, d.c}, {d.n, d.p, d.q, -d.padding, -d.padding, d.stride}, {d.r, d.s, 1}};
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  const Dims d = dims_of(x, w, y, options);
  dispatch_activation("conv2d", x.dtype(), [&]<class T>() {
    if (gemm_rung() == GemmRung::naive) {
      launch("conv2d_direct_forward_kernel", conv2d_direct_forward_kernel<T>, cover(y.numel()), d,
             y.data<T>(), x.data<T>(), w.data<T>());
      return;
    }
    const std::int64_t taps = d.r * d.s * d.c;  // (NPQ,RSC) x (K,RSC)^T -> (NPQ,K)
    run_gemm(GemmProblem{d.n * d.p * d.q, d.k, taps, AlongK<PatchView<T>>{patches(d, x.data<T>())},
                         AlongK<MatrixView<T>>{{w.data<T>(), d.k, taps, taps}},
                         Store<T>{.c = y.data<T>(), .pitch = d.k, .packed = pack_rows(y.data<T>(), d.k)}},
             gemm_rung());
  });
}

/// With stride t, the pixels of x form t x t phases: those of one phase reach outputs through the same taps,
/// every t-th one. Each phase is its own product, which skips taps that cannot contribute. In one dimension,
/// pixel h = a + t i and tap r = b + t j, b = (a + padding) mod t, meet output p = i - j + (a + padding -
/// b)/t.
struct PixelsAndTaps {
  Phase pixels, taps;
  std::int64_t first_output;
  PixelsAndTaps(std::int64_t a, std::int64_t size, std::int64_t filter, Conv2dOptions o)
      : pixels{a, o.stride, Phase::count_of(a, o.stride, size)},
        taps{(a + o.padding) % o.stride, o.stride,
             Phase::count_of((a + o.padding) % o.stride, o.stride, filter)},
        first_output((a + o.padding) / o.stride) {}
};

void backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options) {
  const Dims d = dims_of(dx, w, dy, options);
  dispatch_activation("conv2d", dy.dtype(), [&]<class T>() {
    if (gemm_rung() == GemmRung::naive) {
      launch("conv2d_direct_data_kernel", conv2d_direct_data_kernel<T>, cover(dx.numel()), d, dx.data<T>(),
             dy.data<T>(), w.data<T>());
      return;
    }
    const typename PatchView<T>::Image image{dy.data<T>(), d.p, d.q, d.k};
    for (std::int64_t a = 0; a < std::min(d.stride, d.h); ++a) {
      for (std::int64_t b = 0; b < std::min(d.stride, d.w); ++b) {
        const PixelsAndTaps h(a, d.h, d.r, options), v(b, d.w, d.s, options);
        const PatchView<T> gradients(image,
                                     {d.n, h.pixels.count, v.pixels.count, h.first_output, v.first_output, 1},
                                     {h.taps.count, v.taps.count, -1});
        const FilterView<T> filters(w.data<T>(), d.k, d.r, d.s, d.c, h.taps, v.taps);
        // (pixels, taps and K) x (taps and K, C) -> (pixels, C)
        run_gemm(GemmProblem{d.n * h.pixels.count * v.pixels.count, d.c, h.taps.count * v.taps.count * d.k,
                             AlongK<PatchView<T>>{gradients}, AcrossK<FilterView<T>>{filters},
                             StorePixels<T>(dx.data<T>(), d.h, d.w, d.c, h.pixels, v.pixels)},
                 gemm_rung());
      }
    }
  });
}

void backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  const Dims d = dims_of(x, dw, dy, options);
  dispatch_activation("conv2d", x.dtype(), [&]<class T>() {
    float* out = dw.data<float>();
    if (gemm_rung() == GemmRung::naive) {
      launch("conv2d_direct_weight_kernel", conv2d_direct_weight_kernel<T>, cover(dw.numel()), d, out,
             dy.data<T>(), x.data<T>());
      return;
    }
    const std::int64_t taps = d.r * d.s * d.c, pixels = d.n * d.p * d.q;  // (NPQ,K)^T x (NPQ,RSC) -> (K,RSC)
    run_gemm(GemmProblem{d.k, taps, pixels, AcrossK<MatrixView<T>>{{dy.data<T>(), pixels, d.k, d.k}},
                         AcrossK<PatchView<T>>{patches(d, x.data<T>())},
                         Store<float>{.c = out, .pitch = taps, .beta = 1, .packed = pack_rows(out, taps)}},
             gemm_rung());
  });
}

}  // namespace

void register_conv2d() {
  conv2d_kernels.forward.set(DeviceType::cuda, forward);
  conv2d_kernels.backward_data.set(DeviceType::cuda, backward_data);
  conv2d_kernels.backward_weight.set(DeviceType::cuda, backward_weight);
}

}  // namespace salu::cuda
