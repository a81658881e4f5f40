// SPDX-License-Identifier: MIT
#include "core/ops/add.h"

namespace salu {

Tensor add_forward(const Tensor& a, const Tensor& b) {
  check_like("add", a, b);
  Tensor y = Tensor::empty(a.shape(), a.dtype(), a.device());
  add_kernels.forward(a.device(), y, a, b);
  return y;
}

void add_in_place(Tensor& a, const Tensor& b) {
  check_like("add", a, b);
  add_kernels.forward(a.device(), a, a, b);
}

}  // namespace salu
