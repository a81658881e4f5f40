// SPDX-License-Identifier: MIT
#include "core/ops/patchify.h"

namespace salu {
namespace {

Shape tokens_of(const Shape& x, std::int64_t patch) {
  check(x.rank() == 4 && patch > 0 && x[1] % patch == 0 && x[2] % patch == 0,
        "[patchify] expected x (N,H,W,C) with H and W divisible by the patch size {}, got {}", patch,
        x.str());
  return {x[0], (x[1] / patch) * (x[2] / patch), patch * patch * x[3]};
}

}  // namespace

Tensor patchify_forward(const Tensor& x, std::int64_t patch) {
  Tensor y = Tensor::empty(tokens_of(x.shape(), patch), x.dtype(), x.device());
  patchify_kernels.forward(x.device(), y, x, patch);
  return y;
}

Tensor patchify_backward(const Tensor& dy, const Shape& x_shape, std::int64_t patch) {
  check_shape("patchify", "dy", dy, tokens_of(x_shape, patch));
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  patchify_kernels.backward(dy.device(), dx, dy, patch);
  return dx;
}

}  // namespace salu
