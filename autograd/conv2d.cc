// SPDX-License-Identifier: MIT
#include "core/ops/conv2d.h"

#include "autograd/functions.h"

namespace salu {

Variable conv2d(const Variable& x, const Variable& w, Conv2dOptions options) {
  return record("conv2d", conv2d_forward(x.value(), w.value(), options), {x, w},
                [x = x.value(), w = w.value(), options](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, conv2d_backward_data(dy, w, x.shape(), options));
                  if (gradients.wanted(1)) conv2d_backward_weight(gradients.sum(1), dy, x, options);
                },
                {{"stride", options.stride}, {"padding", options.padding}});
}

}  // namespace salu
