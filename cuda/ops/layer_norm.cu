// SPDX-License-Identifier: MIT
/// One warp per row, without shared memory. A row is a few KB: the second and third look at it hit the L1
/// cache.
#include "core/ops/layer_norm.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/pack.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

constexpr int kRowsPerBlock = 8;

/// A row, and the share of one lane: `for (c = first; c < channels; c += step)` are the columns of its packs.
template <int Width>
struct RowWarp {
  std::int64_t row, offset;
  int lane, first, step;

  __device__ explicit RowWarp(std::int64_t channels)
      : row(std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarp),
        offset(row * channels),
        lane(static_cast<int>(threadIdx.x) % kWarp),
        first(lane * Width),
        step(kWarp * Width) {}
};

template <int Width, class T>
__global__ void layer_norm_forward_kernel(std::int64_t rows, std::int64_t channels, T* __restrict__ y,
                                          float* mean, float* rstd, const T* __restrict__ x,
                                          const float* __restrict__ gamma, const float* __restrict__ beta,
                                          float eps) {
  const RowWarp<Width> at(channels);
  if (at.row >= rows) return;  // the whole warp
  const auto n = static_cast<float>(channels);
  float sum = 0, squares = 0;
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto in = load<Width>(x + at.offset + c);
    for (int w = 0; w < Width; ++w) sum += static_cast<float>(in.at[w]);
  }
  const float m = warp_sum(sum) / n;
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto in = load<Width>(x + at.offset + c);
    for (int w = 0; w < Width; ++w) {
      const float centred = static_cast<float>(in.at[w]) - m;
      squares += centred * centred;
    }
  }
  const float r = 1 / std::sqrt(warp_sum(squares) / n + eps);
  if (at.lane == 0) {
    mean[at.row] = m;
    rstd[at.row] = r;
  }
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto in = load<Width>(x + at.offset + c);
    const auto scale = load_words<Width>(gamma + c), shift = load_words<Width>(beta + c);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      out.at[w] = T((static_cast<float>(in.at[w]) - m) * r * scale.at[w] + shift.at[w]);
    }
    store(y + at.offset + c, out);
  }
}

template <int Width, class T>
__global__ void layer_norm_gradient_kernel(std::int64_t rows, std::int64_t channels, T* __restrict__ dx,
                                           const T* __restrict__ dy, const T* __restrict__ x,
                                           const float* __restrict__ gamma, const float* mean,
                                           const float* rstd) {
  const RowWarp<Width> at(channels);
  if (at.row >= rows) return;  // the whole warp
  const float m = mean[at.row], r = rstd[at.row];
  float g = 0, gh = 0;  // sums of dy gamma, and of the same times h
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto up = load<Width>(dy + at.offset + c);
    const auto in = load<Width>(x + at.offset + c);
    const auto scale = load_words<Width>(gamma + c);
    for (int w = 0; w < Width; ++w) {
      const float term = static_cast<float>(up.at[w]) * scale.at[w];
      g += term;
      gh += term * ((static_cast<float>(in.at[w]) - m) * r);
    }
  }
  g = warp_sum(g) / static_cast<float>(channels);
  gh = warp_sum(gh) / static_cast<float>(channels);
  for (std::int64_t c = at.first; c < channels; c += at.step) {
    const auto up = load<Width>(dy + at.offset + c);
    const auto in = load<Width>(x + at.offset + c);
    const auto scale = load_words<Width>(gamma + c);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      const float h = (static_cast<float>(in.at[w]) - m) * r;
      out.at[w] = T(r * (static_cast<float>(up.at[w]) * scale.at[w] - g - h * gh));
    }
    store(dx + at.offset + c, out);
  }
}

/// dgamma += dy h, dbeta += dy
template <class T>
struct ParameterSums {
  const T *dy, *x;
  const float *mean, *rstd;
  std::int64_t channels;
  __device__ void operator()(std::int64_t row, std::int64_t column, float (&sums)[2]) const {
    const float up = dy[row * channels + column];
    sums[0] += up * ((static_cast<float>(x[row * channels + column]) - mean[row]) * rstd[row]);
    sums[1] += up;
  }
};

LaunchShape warp_per_row(std::int64_t rows) {
  return {.blocks_x = (rows + kRowsPerBlock - 1) / kRowsPerBlock, .threads_x = kRowsPerBlock * kWarp};
}

void forward(NormResult& result, const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  dispatch_activation("layer_norm", x.dtype(), [&]<class T>() {
    T* y = result.y.data<T>();
    const auto run = [&]<int Width>() {
      launch("layer_norm_forward_kernel", layer_norm_forward_kernel<Width, T>, warp_per_row(rows_of(x)),
             rows_of(x), x.dim(-1), y, result.saved.mean.data<float>(), result.saved.rstd.data<float>(),
             x.data<T>(), gamma.data<float>(), beta.data<float>(), static_cast<float>(eps));
    };
    with_width<T>(x.dim(-1), run, y, x.data<T>(), gamma.data<float>(), beta.data<float>());
  });
}

void backward(Tensor& dx, NormSums wanted, const Tensor& dy, const Tensor& x, const Tensor& gamma,
              const NormStatistics& saved) {
  dispatch_activation("layer_norm", x.dtype(), [&]<class T>() {
    T* out = dx.data<T>();
    const T *up = dy.data<T>(), *in = x.data<T>();
    const float *mean = saved.mean.data<float>(), *rstd = saved.rstd.data<float>();
    const auto run = [&]<int Width>() {
      launch("layer_norm_gradient_kernel", layer_norm_gradient_kernel<Width, T>, warp_per_row(rows_of(x)),
             rows_of(x), x.dim(-1), out, up, in, gamma.data<float>(), mean, rstd);
    };
    with_width<T>(x.dim(-1), run, out, up, in, gamma.data<float>());
    column_sums<2>(rows_of(x), x.dim(-1), ParameterSums<T>{up, in, mean, rstd, x.dim(-1)},
                   AddColumns{{gradient_data(wanted.gamma), gradient_data(wanted.beta)}});
  });
}

}  // namespace

void register_layer_norm() {
  layer_norm_kernels.forward.set(DeviceType::cuda, forward);
  layer_norm_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
