// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// The formula of scale.
template <class P>
struct Times {
  P factor;
  template <class T>
  constexpr T operator()(T x) const {
    return T(factor) * x;
  }
};

/// Sum of two tensors: residual connections, and gradients of several paths.
/// Forward:  y = a + b
/// Backward: da = dy, db = dy
/// Shapes:   a, b, y alike, any rank
/// Saved:    nothing
/// Grad:     da =, db = (both share the tensor dy)
/// Ref:      He et al. 2016, eq. 1
Tensor add_forward(const Tensor& a, const Tensor& b);
/// a += b
void add_in_place(Tensor& a, const Tensor& b);

struct AddKernels {
  Kernel<void(Tensor& y, const Tensor& a, const Tensor& b)> forward;  ///< y may be a
};
extern AddKernels add_kernels;

/// Elementwise product.
/// Forward:  y = a b
/// Backward: da = dy b, db = dy a
/// Shapes:   a, b, y alike, any rank
/// Saved:    a, b
/// Grad:     da =, db =
/// Ref:      the product rule
Tensor mul_forward(const Tensor& a, const Tensor& b);

struct MulKernels {
  Kernel<void(Tensor& y, const Tensor& a, const Tensor& b)> forward;
};
extern MulKernels mul_kernels;

/// Product with a constant.
/// Forward:  y = factor x
/// Backward: dx = factor dy
/// Shapes:   x, y alike, any rank
/// Saved:    nothing
/// Grad:     dx =
/// Ref:      linearity
Tensor scale_forward(const Tensor& x, double factor);

struct ScaleKernels {
  Kernel<void(Tensor& y, const Tensor& x, double factor)> forward;
};
extern ScaleKernels scale_kernels;

/// One offset per channel.
/// Forward:  y = x + b_c
/// Backward: dx = dy; db_c = sum of dy over all but the last dimension
/// Shapes:   x, y (...,C); b (C)
/// Saved:    nothing
/// Grad:     dx = (the tensor dy itself), db +=
/// Ref:      linearity
Tensor bias_forward(const Tensor& x, const Tensor& b);
/// db += column sums of dy
void bias_backward(const Tensor& dy, Tensor& db);

struct BiasKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& b)> forward;
  Kernel<void(Tensor& db, const Tensor& dy)> backward;
};
extern BiasKernels bias_kernels;

/// Sum of all elements.
/// Forward:  y = sum x; 0 for an empty x
/// Backward: dx = dy for every element
/// Shapes:   x any rank; y (1)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      linearity
Tensor sum_forward(const Tensor& x);
Tensor sum_backward(const Tensor& dy, const Shape& x_shape);

struct SumKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward;
};
extern SumKernels sum_kernels;

/// Mean of all elements.
/// Forward:  y = sum x / n, n >= 1 the number of elements
/// Backward: dx = dy / n for every element
/// Shapes:   x any rank; y (1)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      linearity
Tensor mean_forward(const Tensor& x);
Tensor mean_backward(const Tensor& dy, const Shape& x_shape);

struct MeanKernels {
  Kernel<void(Tensor& y, const Tensor& x)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward;
};
extern MeanKernels mean_kernels;

}  // namespace salu
