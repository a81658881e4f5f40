// SPDX-License-Identifier: MIT
#include "core/ops/group_norm.h"

namespace salu {

namespace {

void check_groups(const Tensor& x, std::int64_t groups) {
  const int rank = x.shape().rank();
  check((rank == 2 || rank == 4) && groups > 0 && x.dim(-1) % groups == 0,
        "[group_norm] expected x (N,H,W,C) or (N,C) with C divisible by {} groups, got {}", groups,
        x.shape().str());
}

}  // namespace

NormResult group_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::int64_t groups,
                              double eps) {
  check_groups(x, groups);
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
  check(saved.mean.defined() && saved.mean.shape().rank() == 2,
        "[group_norm] expected a saved mean of shape (N,G), got {}",
        saved.mean.defined() ? saved.mean.shape().str() : "an undefined tensor");
  const std::int64_t groups = saved.mean.dim(1);
  check_groups(x, groups);
  check_norm_backward("group_norm", x, gamma, saved, {x.dim(0), groups}, sums);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (x.numel() > 0) group_norm_kernels.backward(x.device(), dx, sums, dy, x, gamma, saved);
  return dx;
}

}  // namespace salu
