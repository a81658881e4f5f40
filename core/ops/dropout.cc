// SPDX-License-Identifier: MIT
#include "core/ops/dropout.h"

namespace salu {

Tensor dropout_forward(const Tensor& x, double p, const RandomKey& key) {
  check(p >= 0 && p < 1, "[dropout] expected p in [0,1), got {}", p);
  if (p == 0) return x;
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  dropout_kernels.forward(x.device(), y, x, p, key);
  return y;
}

}  // namespace salu
