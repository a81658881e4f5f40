// SPDX-License-Identifier: MIT
#include "core/ops/squash.h"

#include "core/ops/elementwise.h"

namespace salu {
namespace {

template <class F, class T>
SquashValue<F, Wide<T>> formula(const SquashCoefficients& c) {
  using W = Wide<T>;
  return {*c.alpha.data<W>(), c.shift.defined() ? *c.shift.data<W>() : W(0)};
}

template <class F>
void forward_cpu(Tensor& y, const Tensor& x, const SquashCoefficients& c) {
  dispatch_elements(F::kOp, x.dtype(),
                    [&]<class T>() { map_rows<T>(y, formula<F, T>(c), x, c.gamma, c.beta); });
}

/// One pass over dy and x: writes dx and sums the parameter gradients.
template <class F>
void backward_cpu(Tensor& dx, SquashSums wanted, const Tensor& dy, const Tensor& x,
                  const SquashCoefficients& c) {
  dispatch_elements(F::kOp, x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t channels = x.dim(-1);
    const T *in = x.data<T>(), *upstream = dy.data<T>();
    const W* gamma = c.gamma.data<W>();
    T* out = dx.data<T>();
    const auto loop = element_loop<T, SquashRow<F, T>>();
    // dgamma (C), dbeta (C), dalpha, dshift
    const std::vector<double> sums = column_sums<W>(
        rows_of(x), channels, 2 * channels + 2, [=, f = formula<F, T>(c)](std::int64_t row, W* s) {
          const std::int64_t i = row * channels;
          loop(channels, out + i, s, f, upstream + i, in + i, gamma);
        });
    add_sums<T>(wanted.gamma, sums.data());
    add_sums<T>(wanted.beta, sums.data() + channels);
    add_sums<T>(wanted.alpha, sums.data() + 2 * channels);
    add_sums<T>(wanted.shift, sums.data() + 2 * channels + 1);
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
