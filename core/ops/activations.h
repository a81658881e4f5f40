// SPDX-License-Identifier: MIT
/// Activations: functions of one element.
///
/// Each formula follows its contract, shared by the CPU and CUDA: `value` is y, `gradient` is dx. These
/// functions are constexpr, so nvcc compiles them for the GPU too (--expt-relaxed-constexpr).
#pragma once

#include <cmath>
#include <numbers>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// The kernels of an activation without parameters.
struct ActivationKernels {
  const char* op;
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& x)> backward;
};
/// The formulas of activation F as function objects.
template <class F>
struct Value {
  template <class T>
  constexpr T operator()(T x) const {
    return F::value(x);
  }
};
template <class F>
struct Gradient {
  template <class T>
  constexpr T operator()(T dy, T x) const {
    return F::gradient(dy, x);
  }
};
Tensor activation_forward(const ActivationKernels& f, const Tensor& x);
Tensor activation_backward(const ActivationKernels& f, const Tensor& dy, const Tensor& x);

/// Rectifier.
/// Forward:  y = max(x, 0); NaN passes through
/// Backward: dx = dy where x > 0, else 0
/// Shapes:   x, y alike, any rank
/// Saved:    y in the place of x: it has the same sign, and the next op holds it anyway
/// Grad:     dx =
/// Ref:      Nair & Hinton 2010
struct Relu {
  static constexpr char kOp[] = "relu";
  template <class T>
  static constexpr T value(T x) {
    return x < T(0) ? T(0) : x;  // written so that NaN passes through
  }
  template <class T>
  static constexpr T gradient(T dy, T x) {
    return x > T(0) ? dy : T(0);
  }
};
extern ActivationKernels relu_kernels;

/// Rectifier with one learned slope for negative inputs.
/// Forward:  y = x where x > 0, else slope x
/// Backward: dx = dy where x > 0, else slope dy; dslope = sum of dy x over x <= 0
/// Shapes:   x, y alike, any rank; slope (1)
/// Saved:    x, slope
/// Grad:     dx =, dslope += (null: not wanted)
/// Ref:      He et al. 2015, arXiv 1502.01852
Tensor prelu_forward(const Tensor& x, const Tensor& slope);
Tensor prelu_backward(const Tensor& dy, const Tensor& x, const Tensor& slope, Tensor* dslope);

struct Prelu {
  template <class T>
  static constexpr T value(T x, T slope) {
    return x > T(0) ? x : slope * x;
  }
  template <class T>
  static constexpr T gradient(T dy, T x, T slope) {
    return dy * (x > T(0) ? T(1) : slope);
  }
  /// One element's contribution to dslope.
  template <class T>
  static constexpr T slope_gradient(T dy, T x) {
    return x > T(0) ? T(0) : dy * x;
  }
};
struct PreluKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& slope)> forward;
  Kernel<void(Tensor& dx, Tensor* dslope, const Tensor& dy, const Tensor& x, const Tensor& slope)> backward;
};
extern PreluKernels prelu_kernels;

/// Gaussian error linear unit.
/// Forward:  y = x Phi(x), Phi the distribution function of N(0,1)
/// Backward: dx = dy (Phi(x) + x phi(x)), phi the density of N(0,1)
/// Shapes:   x, y alike, any rank
/// Saved:    x
/// Grad:     dx =
/// Ref:      Hendrycks & Gimpel 2016, arXiv 1606.08415
struct Gelu {
  static constexpr char kOp[] = "gelu";
  template <class T>
  static constexpr T distribution(T x) {
    return T(0.5) * (T(1) + std::erf(x * T(1 / std::numbers::sqrt2)));
  }
  template <class T>
  static constexpr T value(T x) {
    return x * distribution(x);
  }
  template <class T>
  static constexpr T gradient(T dy, T x) {
    const T density = T(std::numbers::inv_sqrtpi / std::numbers::sqrt2) * std::exp(T(-0.5) * x * x);
    return dy * (distribution(x) + x * density);
  }
};
extern ActivationKernels gelu_kernels;

/// The tanh approximation of gelu.
/// Forward:  y = x/2 (1 + t), t = tanh u, u = sqrt(2/pi) (x + 0.044715 x^3)
/// Backward: dx = dy/2 (1 + t + x (1 - t^2) u')
/// Shapes:   x, y alike, any rank
/// Saved:    x
/// Grad:     dx =
/// Ref:      Hendrycks & Gimpel 2016, arXiv 1606.08415
struct GeluTanh {
  static constexpr char kOp[] = "gelu_tanh";
  static constexpr double kCubic = 0.044715;
  static constexpr double kScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2/pi)
  template <class T>
  static constexpr T tanh_u(T x) {
    return std::tanh(T(kScale) * (x + T(kCubic) * x * x * x));
  }
  template <class T>
  static constexpr T value(T x) {
    return T(0.5) * x * (T(1) + tanh_u(x));
  }
  template <class T>
  static constexpr T slope(T x) {
    if (std::abs(x) > T(20)) return x > T(0) ? T(1) : T(0);  // t is +-1 here, and x^2 may overflow
    const T t = tanh_u(x), du = T(kScale) * (T(1) + T(3 * kCubic) * x * x);
    return T(0.5) * (T(1) + t) + T(0.5) * x * (T(1) - t * t) * du;
  }
  template <class T>
  static constexpr T gradient(T dy, T x) {
    return dy * slope(x);
  }
};
extern ActivationKernels gelu_tanh_kernels;

template <class T>
constexpr T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

/// Swish (SiLU).
/// Forward:  y = x s, s = sigmoid(x)
/// Backward: dx = dy s (1 + x (1 - s))
/// Shapes:   x, y alike, any rank
/// Saved:    x
/// Grad:     dx =
/// Ref:      Elfwing et al. 2018; Ramachandran et al. 2017
struct Swish {
  static constexpr char kOp[] = "swish";
  template <class T>
  static constexpr T value(T x) {
    return x * sigmoid(x);
  }
  template <class T>
  static constexpr T gradient(T dy, T x) {
    const T s = sigmoid(x);
    return dy * (s * (T(1) + x * (T(1) - s)));
  }
};
extern ActivationKernels swish_kernels;

/// Swish in straight lines and a parabola: sigmoid(x) becomes relu6(x + 3) / 6.
/// Forward:  y = 0 where x < -3, x where x > 3, else x (x + 3) / 6
/// Backward: dx = 0 where x < -3, dy where x > 3, else dy (2 x + 3) / 6
/// Shapes:   x, y alike, any rank
/// Saved:    x
/// Grad:     dx =
/// Ref:      Howard et al. 2019, arXiv 1905.02244, section 5.2
struct Hardswish {
  static constexpr char kOp[] = "hardswish";
  template <class T>
  static constexpr T value(T x) {
    return x < T(-3) ? T(0) : x > T(3) ? x : x * (x + T(3)) / T(6);
  }
  template <class T>
  static constexpr T gradient(T dy, T x) {
    return x < T(-3) ? T(0) : x > T(3) ? dy : dy * (T(2) * x + T(3)) / T(6);
  }
};
extern ActivationKernels hardswish_kernels;

}  // namespace salu
