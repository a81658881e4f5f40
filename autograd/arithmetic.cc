// SPDX-License-Identifier: MIT
#include "core/ops/arithmetic.h"

#include "autograd/functions.h"

namespace salu {

Variable add(const Variable& a, const Variable& b) {
  return record("add", add_forward(a.value(), b.value()), {a, b}, [](const Tensor& dy, Gradients& gradients) {
    gradients.set(0, dy);
    gradients.set(1, dy);
  });
}

Variable mul(const Variable& a, const Variable& b) {
  return record("mul", mul_forward(a.value(), b.value()), {a, b},
                [a = a.value(), b = b.value()](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, mul_forward(dy, b));
                  if (gradients.wanted(1)) gradients.set(1, mul_forward(dy, a));
                });
}

Variable scale(const Variable& x, double factor) {
  return record(
      "scale", scale_forward(x.value(), factor), {x},
      [factor](const Tensor& dy, Gradients& gradients) { gradients.set(0, scale_forward(dy, factor)); });
}

Variable bias(const Variable& x, const Variable& b) {
  return record("bias", bias_forward(x.value(), b.value()), {x, b},
                [](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, dy);
                  if (gradients.wanted(1)) bias_backward(dy, gradients.sum(1));
                });
}

Variable sum(const Variable& x) {
  return record("sum", sum_forward(x.value()), {x},
                [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, sum_backward(dy, shape));
                });
}

Variable mean(const Variable& x) {
  return record("mean", mean_forward(x.value()), {x},
                [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, mean_backward(dy, shape));
                });
}

Variable view(const Variable& x, Shape shape) {
  return record(
      "view", x.value().view(shape), {x},
      [from = x.shape()](const Tensor& dy, Gradients& gradients) { gradients.set(0, dy.view(from)); });
}

}  // namespace salu
