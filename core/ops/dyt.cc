// SPDX-License-Identifier: MIT
#include "core/ops/dyt.h"

#include "core/ops/norm.h"

namespace salu {

Tensor dyt_forward(const Tensor& x, const Tensor& alpha, const Tensor& gamma, const Tensor& beta) {
  check_shape("dyt", "alpha", alpha, {1});
  check_parameter("dyt", "alpha", alpha, x);
  check_channels("dyt", "gamma", gamma, x);
  check_channels("dyt", "beta", beta, x);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  dyt_kernels.forward(x.device(), y, x, alpha, gamma, beta);
  return y;
}

Tensor dyt_backward(const Tensor& dy, const Tensor& x, const Tensor& alpha, const Tensor& gamma,
                    DytSums sums) {
  check_like("dyt", x, dy);
  if (sums.alpha) check_like("dyt", alpha, *sums.alpha);
  if (sums.gamma) check_like("dyt", gamma, *sums.gamma);
  if (sums.beta) check_like("dyt", gamma, *sums.beta);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  dyt_kernels.backward(x.device(), dx, sums, dy, x, alpha, gamma);
  return dx;
}

}  // namespace salu
