// SPDX-License-Identifier: MIT
#include "core/ops/norm.h"

namespace salu {

void check_channels(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  check_shape(op, name, t, {x.dim(-1)});
  check_parameter(op, name, t, x);
}

void check_norm_backward(const char* op, const Tensor& x, const Tensor& gamma, const NormStatistics& saved,
                         const Shape& statistics, NormSums sums) {
  check_channels(op, "gamma", gamma, x);
  check_shape(op, "saved mean", saved.mean, statistics);
  check_shape(op, "saved rstd", saved.rstd, statistics);
  check_parameter(op, "saved mean", saved.mean, x);
  check_parameter(op, "saved rstd", saved.rstd, x);
  if (sums.gamma) check_channels(op, "dgamma", *sums.gamma, x);
  if (sums.beta) check_channels(op, "dbeta", *sums.beta, x);
}

}  // namespace salu
