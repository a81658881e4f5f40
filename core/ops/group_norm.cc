// SPDX-License-Identifier: MIT
#include "core/ops/group_norm.h"

namespace salu {

NormResult group_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::int64_t groups,
                              double eps) {
  const int rank = x.shape().rank();
  check((rank == 2 || rank == 4) && groups > 0 && x.dim(-1) % groups == 0,
        "[group_norm] expected x (N,H,W,C) or (N,C) with C divisible by {} groups, got {}", groups,
        x.shape().str());
  check_channels("group_norm", "gamma", gamma, x);
  check_channels("group_norm", "beta", beta, x);
  const auto statistic = [&] {
    return Tensor::empty({x.dim(0), groups}, parameter_dtype(x.dtype()), x.device());
  };
  NormResult result{Tensor::empty(x.shape(), x.dtype(), x.device()), {statistic(), statistic()}};
  if (x.numel() > 0) group_norm_kernels.forward(x.device(), result, x, gamma, beta, eps);
  return result;
}

Tensor group_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const NormStatistics& saved, NormSums sums) {
  check_like("group_norm", x, dy);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (x.numel() > 0) group_norm_kernels.backward(x.device(), dx, sums, dy, x, gamma, saved);
  return dx;
}

}  // namespace salu
