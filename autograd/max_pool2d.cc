// SPDX-License-Identifier: MIT
#include "core/ops/max_pool2d.h"

#include "autograd/functions.h"

namespace salu {

Variable max_pool2d(const Variable& x, Pool2dOptions options) {
  const MaxPool2dResult result = max_pool2d_forward(x.value(), options);
  return record("max_pool2d", result.y, {x},
                [argmax = result.argmax, shape = x.shape(), options](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, max_pool2d_backward(dy, argmax, shape, options));
                },
                {{"kernel", options.kernel}, {"stride", options.stride}, {"padding", options.padding}});
}

}  // namespace salu
