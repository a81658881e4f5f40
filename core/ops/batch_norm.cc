// SPDX-License-Identifier: MIT
#include "core/ops/batch_norm.h"

namespace salu {

namespace {

void check_rank(const Tensor& x) {
  check(x.shape().rank() >= 2, "[batch_norm] expected x (...,C) of rank 2 to 4, got {}", x.shape().str());
}

}  // namespace

NormResult batch_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                              Tensor& running_var, BatchNormOptions options) {
  check_rank(x);
  check_channels("batch_norm", "gamma", gamma, x);
  check_channels("batch_norm", "beta", beta, x);
  check_channels("batch_norm", "running_mean", running_mean, x);
  check_channels("batch_norm", "running_var", running_var, x);
  check(!options.training || x.numel() >= 2 * x.dim(-1),
        "[batch_norm] expected more than 1 value per channel when training, got x {}", x.shape().str());
  const auto channels = [&] { return Tensor::empty(gamma.shape(), parameter_dtype(x.dtype()), x.device()); };
  NormResult result{Tensor::empty(x.shape(), x.dtype(), x.device()), {channels(), channels()}};
  batch_norm_kernels.forward(x.device(), result, x, gamma, beta, running_mean, running_var, options);
  return result;
}

Tensor batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, bool training, NormSums sums) {
  check_rank(x);
  check_like("batch_norm", x, dy);
  check_norm_backward("batch_norm", x, gamma, saved, {x.dim(-1)}, sums);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  batch_norm_kernels.backward(x.device(), dx, sums, dy, x, gamma, saved, training);
  return dx;
}

}  // namespace salu
