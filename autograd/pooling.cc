// SPDX-License-Identifier: MIT
#include "core/ops/pooling.h"

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

Variable avg_pool2d(const Variable& x, Pool2dOptions options) {
  return record("avg_pool2d", avg_pool2d_forward(x.value(), options), {x},
                [shape = x.shape(), options](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, avg_pool2d_backward(dy, shape, options));
                });
}

Variable global_avg_pool(const Variable& x) {
  return record("global_avg_pool", global_avg_pool_forward(x.value()), {x},
                [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, global_avg_pool_backward(dy, shape));
                });
}

}  // namespace salu
