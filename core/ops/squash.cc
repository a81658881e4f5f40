// SPDX-License-Identifier: MIT
#include "core/ops/squash.h"

#include "core/ops/reduce.h"

namespace salu {
namespace {

template <class W>
W shift_of(const SquashCoefficients& c) {
  return c.shift.defined() ? *c.shift.data<W>() : W(0);
}

template <class F>
void forward_cpu(Tensor& y, const Tensor& x, const SquashCoefficients& c) {
  dispatch_elements(F::kOp, x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t channels = x.dim(-1);
    const T* in = x.data<T>();
    const W *scale = c.gamma.data<W>(), *offset = c.beta.data<W>();
    const W alpha = *c.alpha.data<W>(), shift = shift_of<W>(c);
    T* out = y.data<T>();
    parallel_for(rows_of(x), row_grain(rows_of(x), channels), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T* from = in + row * channels;
        T* to = out + row * channels;
        for (std::int64_t k = 0; k < channels; ++k) {
          to[k] = T(scale[k] * F{}(alpha * W(from[k]) + shift).value + offset[k]);
        }
      }
    });
  });
}

/// One pass over dy and x: writes dx and sums the parameter gradients.
template <class F>
void backward_cpu(Tensor& dx, SquashSums wanted, const Tensor& dy, const Tensor& x,
                  const SquashCoefficients& c) {
  dispatch_elements(F::kOp, x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t channels = x.dim(-1);
    const T *in = x.data<T>(), *upstream = dy.data<T>();
    const W* scale = c.gamma.data<W>();
    const W alpha = *c.alpha.data<W>(), shift = shift_of<W>(c);
    T* out = dx.data<T>();
    // dgamma (C), dbeta (C), dalpha, dshift
    const std::vector<double> sums =
        column_sums<double>(rows_of(x), channels, 2 * channels + 2, [=](std::int64_t row, double* s) {
          double *dgamma = s, *dbeta = s + channels, dalpha = 0, dshift = 0;
          for (std::int64_t k = 0; k < channels; ++k) {
            const std::int64_t i = row * channels + k;
            const W g = upstream[i], v = in[i];
            const auto [value, slope] = F{}(alpha * v + shift);
            const W du = g * scale[k] * slope;
            out[i] = T(du * alpha);
            dgamma[k] += static_cast<double>(g * value);
            dbeta[k] += static_cast<double>(g);
            dalpha += static_cast<double>(du * v);
            dshift += static_cast<double>(du);
          }
          s[2 * channels] += dalpha;
          s[2 * channels + 1] += dshift;
        });
    add_sums<W>(wanted.gamma, sums.data());
    add_sums<W>(wanted.beta, sums.data() + channels);
    add_sums<W>(wanted.alpha, sums.data() + 2 * channels);
    add_sums<W>(wanted.shift, sums.data() + 2 * channels + 1);
  });
}

void check_scalar(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  check_shape(op, name, t, {1});
  check_parameter(op, name, t, x);
}

}  // namespace

constinit SquashKernels dyt_kernels{
    "dyt", {"dyt_forward", forward_cpu<Tanh>}, {"dyt_backward", backward_cpu<Tanh>}};
constinit SquashKernels derf_kernels{
    "derf", {"derf_forward", forward_cpu<Erf>}, {"derf_backward", backward_cpu<Erf>}};

Tensor squash_forward(const SquashKernels& f, const Tensor& x, const SquashCoefficients& c) {
  check_scalar(f.op, "alpha", c.alpha, x);
  if (&f == &derf_kernels) check_scalar(f.op, "shift", c.shift, x);
  check_channels(f.op, "gamma", c.gamma, x);
  check_channels(f.op, "beta", c.beta, x);
  return like(f.forward, x, x, c);
}

Tensor squash_backward(const SquashKernels& f, const Tensor& dy, const Tensor& x, const SquashCoefficients& c,
                       SquashSums sums) {
  check_like(f.op, x, dy);
  if (sums.alpha) check_like(f.op, c.alpha, *sums.alpha);
  if (sums.shift) check_like(f.op, c.shift, *sums.shift);
  if (sums.gamma) check_like(f.op, c.gamma, *sums.gamma);
  if (sums.beta) check_like(f.op, c.gamma, *sums.beta);
  return like(f.backward, x, sums, dy, x, c);
}

}  // namespace salu
