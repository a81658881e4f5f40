// SPDX-License-Identifier: MIT
#include "core/ops/drop_path.h"

namespace salu {

Tensor drop_path_forward(const Tensor& x, double p, const RandomKey& key) {
  check(p >= 0 && p < 1, "[drop_path] expected p in [0,1), got {}", p);
  check(x.shape().rank() >= 1, "[drop_path] expected rank >= 1, got {}", x.shape().str());
  if (p == 0) return x;
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  drop_path_kernels.forward(x.device(), y, x, p, key);
  return y;
}

}  // namespace salu
