// SPDX-License-Identifier: MIT
/// Both kernels read and write every tensor once.
#include "core/ops/squash.h"
#include "cuda/kernels/columns.cuh"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

/// Coefficients or their gradients; null: no shift, or a gradient that is not needed.
template <class P>
struct Squash {
  P *alpha, *shift, *gamma, *beta;
};

template <int Width, class T, class F>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    squash_forward_kernel(ColumnGrid grid, T* __restrict__ y, const T* __restrict__ x, Squash<const float> c,
                          F f) {
  const ColumnThread<Width> at(grid);
  const auto gamma = at.coefficients(c.gamma), beta = at.coefficients(c.beta);
  const float alpha = *c.alpha, shift = c.shift ? *c.shift : 0.0f;
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto in = load<Width>(x + i);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      out.at[w] = T(gamma.at[w] * f(alpha * static_cast<float>(in.at[w]) + shift).value + beta.at[w]);
    }
    store(y + i, out);
  }
}

/// For the last block: adds the parts of all blocks to the needed gradients. `scalars`: two numbers per
/// block.
__device__ void merge_squash(const ColumnGrid& grid, const float* parts, const float2* scalars,
                             const Squash<float>& gradient) {
  const auto add = [](float* to, double sum) {
    if (to) *to = static_cast<float>(static_cast<double>(*to) + sum);
  };
  each_column(grid, [&](std::int64_t column, int lanes) {
    double sums[2] = {};
    const bool writes = sum_over_chunks(grid, column, lanes, sums, [&](std::int64_t chunk, double(&s)[2]) {
      for (int i = 0; i < 2; ++i) s[i] += static_cast<double>(parts[(2 * chunk + i) * grid.columns + column]);
    });
    if (!writes) return;
    add(gradient.gamma ? gradient.gamma + column : nullptr, sums[0]);
    add(gradient.beta ? gradient.beta + column : nullptr, sums[1]);
  });
  double alpha = 0, shift = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x * gridDim.y; b += kColumnThreads) {
    alpha += static_cast<double>(scalars[b].x);
    shift += static_cast<double>(scalars[b].y);
  }
  alpha = block_sum(alpha);
  shift = block_sum(shift);
  if (threadIdx.x != 0) return;
  add(gradient.alpha, alpha);
  add(gradient.shift, shift);
}

template <int Width, class T, class F>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    squash_backward_kernel(ColumnGrid grid, T* __restrict__ dx, const T* __restrict__ dy,
                           const T* __restrict__ x, Squash<const float> c, Squash<float> gradient,
                           float* parts, float2* scalars, unsigned* ticket, F f) {
  const ColumnThread<Width> at(grid);
  const auto gamma = at.coefficients(c.gamma);
  const float alpha = *c.alpha, shift = c.shift ? *c.shift : 0.0f;
  float sums[2][Width] = {}, dalpha = 0, dshift = 0;
  auto& [dgamma, dbeta] = sums;
  for (std::int64_t i = at.first; i < at.end; i += at.step) {
    const auto in = load<Width>(x + i);
    const auto up = load<Width>(dy + i);
    Pack<T, Width> out;
    for (int w = 0; w < Width; ++w) {
      const float v = in.at[w], g = up.at[w];
      const ValueSlope<float> at_u = f(alpha * v + shift);
      const float du = g * gamma.at[w] * at_u.slope;
      out.at[w] = T(alpha * du);
      dgamma[w] += g * at_u.value;
      dbeta[w] += g;
      dalpha += du * v;
      dshift += du;
    }
    store(dx + i, out);
  }
  sum_over_rows(dgamma, grid.lanes);
  sum_over_rows(dbeta, grid.lanes);
  write_parts(grid, at, parts, sums);
  dalpha = block_sum(dalpha);
  dshift = block_sum(dshift);
  if (threadIdx.x == 0) scalars[blockIdx.y * gridDim.x + blockIdx.x] = {dalpha, dshift};
  if (last_block(ticket)) merge_squash(grid, parts, scalars, gradient);
}

Squash<const float> pointers(const SquashCoefficients& c) {
  return {c.alpha.data<float>(), c.shift.defined() ? c.shift.data<float>() : nullptr, c.gamma.data<float>(),
          c.beta.data<float>()};
}

template <class F>
void squash_forward(Tensor& y, const Tensor& x, const SquashCoefficients& c) {
  dispatch_activation(F::kOp, x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = column_grid<Width>(1, rows_of(x), x.dim(-1), 2 * kColumnBlocks);
      launch("squash_forward_kernel", squash_forward_kernel<Width, T, F>, column_shape<Width>(grid), grid,
             y.data<T>(), x.data<T>(), pointers(c), F{});
    };
    with_width<T>(x.dim(-1), run, y.data<T>(), x.data<T>());
  });
}

template <class F>
void squash_backward(Tensor& dx, SquashSums wanted, const Tensor& dy, const Tensor& x,
                     const SquashCoefficients& c) {
  const Squash<float> gradient{gradient_data(wanted.alpha), gradient_data(wanted.shift),
                               gradient_data(wanted.gamma), gradient_data(wanted.beta)};
  dispatch_activation(F::kOp, x.dtype(), [&]<class T>() {
    const auto run = [&]<int Width>() {
      const ColumnGrid grid = column_grid<Width>(1, rows_of(x), x.dim(-1), kColumnBlocks);
      const LaunchShape shape = column_shape<Width>(grid);
      Tensor parts = scratch(grid.chunks * 2 * grid.columns, DType::f32);
      Tensor scalars = scratch(2 * shape.blocks_x * shape.blocks_y, DType::f32);
      launch("squash_backward_kernel", squash_backward_kernel<Width, T, F>, shape, grid, dx.data<T>(),
             dy.data<T>(), x.data<T>(), pointers(c), gradient, parts.data<float>(),
             reinterpret_cast<float2*>(scalars.data<float>()), ticket(), F{});
    };
    with_width<T>(x.dim(-1), run, dx.data<T>(), dy.data<T>(), x.data<T>());
  });
}

template <class F>
void register_kernels(SquashKernels& kernels) {
  kernels.forward.set(DeviceType::cuda, squash_forward<F>);
  kernels.backward.set(DeviceType::cuda, squash_backward<F>);
}

}  // namespace

void register_squash() {
  register_kernels<Tanh>(dyt_kernels);
  register_kernels<Erf>(derf_kernels);
}

}  // namespace salu::cuda
