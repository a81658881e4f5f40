// SPDX-License-Identifier: MIT
#include "core/ops/avg_pool2d.h"

#include "autograd/functions.h"

namespace salu {

Variable avg_pool2d(const Variable& x, Pool2dOptions options) {
  return record("avg_pool2d", avg_pool2d_forward(x.value(), options), {x},
                [shape = x.shape(), options](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, avg_pool2d_backward(dy, shape, options));
                });
}

}  // namespace salu
