// SPDX-License-Identifier: MIT
/// The loops that dyt (f = tanh) and derf (f = erf) share: y = gamma_c f(alpha x + shift) + beta_c.
#pragma once

#include "core/ops/reduce.h"

namespace salu {

/// `f(u)` returns value and slope (core/ops/scalar_math.h).
template <class T, class F>
void squash_forward(Tensor& y, const Tensor& x, T alpha, T shift, const Tensor& gamma, const Tensor& beta,
                    F f) {
  const std::int64_t channels = x.dim(-1);
  const T *in = x.data<T>(), *scale = gamma.data<T>(), *offset = beta.data<T>();
  T* out = y.data<T>();
  parallel_for(rows_of(x), row_grain(rows_of(x), channels), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const T* from = in + row * channels;
      T* to = out + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        to[c] = scale[c] * f(alpha * from[c] + shift).value + offset[c];
      }
    }
  });
}

/// Parameter gradients, before they are added to the running sums.
struct SquashSums {
  double alpha;
  double shift;
  const double* gamma;  ///< (C)
  const double* beta;   ///< (C)
};

/// Writes dx and calls `take(SquashSums)`: one pass over dy and x.
template <class T, class F, class Take>
void squash_backward(Tensor& dx, const Tensor& dy, const Tensor& x, T alpha, T shift, const Tensor& gamma,
                     F f, Take&& take) {
  const std::int64_t channels = x.dim(-1);
  const T *in = x.data<T>(), *upstream = dy.data<T>(), *scale = gamma.data<T>();
  T* out = dx.data<T>();
  // dgamma (C), dbeta (C), dalpha, dshift
  const std::vector<double> sums =
      column_sums<double>(rows_of(x), channels, 2 * channels + 2, [=](std::int64_t row, double* s) {
        double *dgamma = s, *dbeta = s + channels, dalpha = 0, dshift = 0;
        for (std::int64_t c = 0; c < channels; ++c) {
          const std::int64_t i = row * channels + c;
          const auto [value, slope] = f(alpha * in[i] + shift);
          const T du = upstream[i] * scale[c] * slope;
          out[i] = du * alpha;
          dgamma[c] += static_cast<double>(upstream[i] * value);
          dbeta[c] += static_cast<double>(upstream[i]);
          dalpha += static_cast<double>(du * in[i]);
          dshift += static_cast<double>(du);
        }
        s[2 * channels] += dalpha;
        s[2 * channels + 1] += dshift;
      });
  const double* s = sums.data();
  take(SquashSums{s[2 * channels], s[2 * channels + 1], s, s + channels});
}

}  // namespace salu
