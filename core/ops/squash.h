// SPDX-License-Identifier: MIT
/// Bounded elementwise functions that replace a normalization, without statistics: y = gamma_c f(alpha x +
/// shift) + beta_c, with f = tanh (dyt) or f = erf (derf).
#pragma once

#include <cmath>
#include <numbers>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

struct SquashCoefficients {
  Tensor alpha;  ///< (1)
  Tensor shift;  ///< (1); undefined for dyt
  Tensor gamma;  ///< (C)
  Tensor beta;   ///< (C)
};

/// Parameter gradients; null: not needed.
struct SquashSums {
  Tensor* alpha = nullptr;
  Tensor* shift = nullptr;
  Tensor* gamma = nullptr;
  Tensor* beta = nullptr;
};

struct SquashKernels {
  const char* op;
  Kernel<void(Tensor& y, const Tensor& x, const SquashCoefficients& c)> forward;
  Kernel<void(Tensor& dx, SquashSums sums, const Tensor& dy, const Tensor& x, const SquashCoefficients& c)>
      backward;
};
Tensor squash_forward(const SquashKernels& f, const Tensor& x, const SquashCoefficients& c);
Tensor squash_backward(const SquashKernels& f, const Tensor& dy, const Tensor& x, const SquashCoefficients& c,
                       SquashSums sums);

/// A function and its derivative at one point; T is float, double or a register of floats.
template <class T>
struct ValueSlope {
  T value;
  T slope;
};

/// Dynamic tanh.
/// Forward:  y = gamma_c t + beta_c, t = tanh(alpha x)
/// Backward: du = dy gamma_c (1 - t^2); dx = alpha du; dalpha = sum du x; dgamma_c = sum dy t;
///           dbeta_c = sum dy
/// Shapes:   x, y (...,C); alpha (1); gamma, beta (C)
/// Saved:    x, alpha, gamma
/// Grad:     dx =, dalpha +=, dgamma +=, dbeta +=
/// Ref:      Zhu et al. 2025, arXiv 2503.10622
struct Tanh {
  static constexpr char kOp[] = "dyt";
  template <class T>
  constexpr ValueSlope<T> operator()(T u) const {
    using std::tanh;
    const T t = tanh(u);
    return {t, T(1) - t * t};
  }
};
extern SquashKernels dyt_kernels;

/// Dynamic erf.
/// Forward:  y = gamma_c erf(u) + beta_c, u = alpha x + shift
/// Backward: du = dy gamma_c 2/sqrt(pi) exp(-u^2); dx = alpha du; dalpha = sum du x; dshift = sum du;
///           dgamma_c = sum dy erf(u); dbeta_c = sum dy
/// Shapes:   x, y (...,C); alpha, shift (1); gamma, beta (C)
/// Saved:    x, alpha, shift, gamma
/// Grad:     dx =, dalpha +=, dshift +=, dgamma +=, dbeta +=
/// Ref:      arXiv 2512.10938
struct Erf {
  static constexpr char kOp[] = "derf";
  template <class T>
  constexpr ValueSlope<T> operator()(T u) const {
    using std::erf, std::exp;
    return {erf(u), T(2 * std::numbers::inv_sqrtpi) * exp(-u * u)};
  }
};
extern SquashKernels derf_kernels;

/// y for coefficients of type P.
template <class F, class P>
struct SquashValue {
  P alpha, shift;
  template <class T>
  constexpr T operator()(T x, T gamma, T beta) const {
    return gamma * F{}(T(alpha) * x + T(shift)).value + beta;
  }
};

}  // namespace salu
