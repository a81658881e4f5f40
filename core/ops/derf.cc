// SPDX-License-Identifier: MIT
#include "core/ops/derf.h"

#include "core/ops/norm.h"

namespace salu {

Tensor derf_forward(const Tensor& x, const Tensor& alpha, const Tensor& shift, const Tensor& gamma,
                    const Tensor& beta) {
  check_shape("derf", "alpha", alpha, {1});
  check_shape("derf", "shift", shift, {1});
  check_parameter("derf", "alpha", alpha, x);
  check_parameter("derf", "shift", shift, x);
  check_channels("derf", "gamma", gamma, x);
  check_channels("derf", "beta", beta, x);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  derf_kernels.forward(x.device(), y, x, alpha, shift, gamma, beta);
  return y;
}

Tensor derf_backward(const Tensor& dy, const Tensor& x, const Tensor& alpha, const Tensor& shift,
                     const Tensor& gamma, DerfSums sums) {
  check_like("derf", x, dy);
  if (sums.alpha) check_like("derf", alpha, *sums.alpha);
  if (sums.shift) check_like("derf", shift, *sums.shift);
  if (sums.gamma) check_like("derf", gamma, *sums.gamma);
  if (sums.beta) check_like("derf", gamma, *sums.beta);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  derf_kernels.backward(x.device(), dx, sums, dy, x, alpha, shift, gamma);
  return dx;
}

}  // namespace salu
