// SPDX-License-Identifier: MIT
#include "core/ops/layer_norm.h"

namespace salu {

namespace {

void check_rows(const Tensor& x) {
  check(x.shape().rank() >= 1 && x.dim(-1) > 0, "[layer_norm] expected x (...,C) with C >= 1, got {}",
        x.shape().str());
}

}  // namespace

NormResult layer_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  check_rows(x);
  check_channels("layer_norm", "gamma", gamma, x);
  check_channels("layer_norm", "beta", beta, x);
  const auto rows = [&] {
    return Tensor::empty({x.numel() / x.dim(-1)}, parameter_dtype(x.dtype()), x.device());
  };
  NormResult result{Tensor::empty(x.shape(), x.dtype(), x.device()), {rows(), rows()}};
  layer_norm_kernels.forward(x.device(), result, x, gamma, beta, eps);
  return result;
}

Tensor layer_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, NormSums sums) {
  check_rows(x);
  check_like("layer_norm", x, dy);
  check_norm_backward("layer_norm", x, gamma, saved, {x.numel() / x.dim(-1)}, sums);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  layer_norm_kernels.backward(x.device(), dx, sums, dy, x, gamma, saved);
  return dx;
}

}  // namespace salu
