// SPDX-License-Identifier: MIT
#include "core/ops/activations.h"

#include "autograd/functions.h"

namespace salu {
namespace {

/// A function of x that keeps x for its gradient.
Variable activation(const char* name, const ActivationKernels& f, const Variable& x,
                    std::initializer_list<Attribute> attributes = {}) {
  return record(
      name, activation_forward(f, x.value()), {x},
      [&f, x = x.value()](const Tensor& dy, Gradients& gradients) {
        gradients.set(0, activation_backward(f, dy, x));
      },
      attributes);
}

}  // namespace

Variable swish(const Variable& x) { return activation("swish", swish_kernels, x); }

Variable hardswish(const Variable& x) { return activation("hardswish", hardswish_kernels, x); }

Variable gelu(const Variable& x, GeluKind kind) {
  return activation("gelu", kind == GeluKind::erf ? gelu_kernels : gelu_tanh_kernels, x, {{"kind", kind}});
}

Variable relu(const Variable& x) {
  Tensor y = activation_forward(relu_kernels, x.value());
  return record("relu", y, {x}, [y](const Tensor& dy, Gradients& gradients) {
    gradients.set(0, activation_backward(relu_kernels, dy, y));
  });
}

Variable prelu(const Variable& x, const Variable& slope) {
  return record("prelu", prelu_forward(x.value(), slope.value()), {x, slope},
                [x = x.value(), slope = slope.value()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, prelu_backward(dy, x, slope, gradients.sum_if_wanted(1)));
                });
}

}  // namespace salu
