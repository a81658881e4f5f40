// SPDX-License-Identifier: MIT
#include "autograd/functions.h"

#include "core/ops/activations.h"
#include "core/ops/arithmetic.h"
#include "core/ops/attention.h"
#include "core/ops/conv2d.h"
#include "core/ops/drop.h"
#include "core/ops/losses.h"
#include "core/ops/norms.h"
#include "core/ops/pooling.h"
#include "core/ops/products.h"
#include "core/ops/squash.h"
#include "core/ops/tokens.h"

namespace salu {

// Activations, elementwise.

namespace {

/// Records an activation that saves x for its backward pass.
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

// Elementwise replacements for normalization.

Variable dyt(const Variable& x, const Variable& alpha, const Variable& gamma, const Variable& beta) {
  const SquashCoefficients c{alpha.value(), {}, gamma.value(), beta.value()};
  return record("dyt", squash_forward(dyt_kernels, x.value(), c), {x, alpha, gamma, beta},
                [x = x.value(), c](const Tensor& dy, Gradients& gradients) {
                  const SquashSums sums{gradients.sum_if_wanted(1), nullptr, gradients.sum_if_wanted(2),
                                        gradients.sum_if_wanted(3)};
                  gradients.set(0, squash_backward(dyt_kernels, dy, x, c, sums));
                });
}

Variable derf(const Variable& x, const Variable& alpha, const Variable& shift, const Variable& gamma,
              const Variable& beta) {
  const SquashCoefficients c{alpha.value(), shift.value(), gamma.value(), beta.value()};
  return record("derf", squash_forward(derf_kernels, x.value(), c), {x, alpha, shift, gamma, beta},
                [x = x.value(), c](const Tensor& dy, Gradients& gradients) {
                  const SquashSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2),
                                        gradients.sum_if_wanted(3), gradients.sum_if_wanted(4)};
                  gradients.set(0, squash_backward(derf_kernels, dy, x, c, sums));
                });
}

// Normalization.

Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta, Tensor running_mean,
                    Tensor running_var, bool training, double momentum, double eps) {
  const Tensor &in = x.value(), &scale = gamma.value();
  NormResult result =
      batch_norm_forward(in, scale, beta.value(), running_mean, running_var, {training, momentum, eps});
  return record("batch_norm", std::move(result.y), {x, gamma, beta},
                [in, scale, saved = result.saved, training](const Tensor& dy, Gradients& gradients) {
                  const NormSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2)};
                  gradients.set(0, batch_norm_backward(dy, in, scale, saved, training, sums));
                },
                {{"eps", eps}});
}

Variable group_norm(const Variable& x, const Variable& gamma, const Variable& beta, std::int64_t groups,
                    double eps) {
  const Tensor &in = x.value(), &scale = gamma.value();
  NormResult result = group_norm_forward(in, scale, beta.value(), groups, eps);
  return record("group_norm", std::move(result.y), {x, gamma, beta},
                [in, scale, saved = result.saved](const Tensor& dy, Gradients& gradients) {
                  const NormSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2)};
                  gradients.set(0, group_norm_backward(dy, in, scale, saved, sums));
                },
                {{"groups", groups}, {"eps", eps}});
}

Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, double eps) {
  const Tensor &in = x.value(), &scale = gamma.value();
  NormResult result = layer_norm_forward(in, scale, beta.value(), eps);
  return record("layer_norm", std::move(result.y), {x, gamma, beta},
                [in, scale, saved = result.saved](const Tensor& dy, Gradients& gradients) {
                  const NormSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2)};
                  gradients.set(0, layer_norm_backward(dy, in, scale, saved, sums));
                },
                {{"eps", eps}});
}

// Arithmetic.

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

// Products.

Variable matmul(const Variable& a, const Variable& b) {
  const Tensor &at = a.value(), &bt = b.value();
  return record("matmul", matmul_forward(at, bt), {a, b}, [at, bt](const Tensor& dy, Gradients& gradients) {
    if (gradients.wanted(0)) gradients.set(0, matmul_backward_a(dy, bt));  // (M,N) x (K,N)^T -> (M,K)
    if (gradients.wanted(1)) gradients.set(1, matmul_backward_b(dy, at));  // (M,K)^T x (M,N) -> (K,N)
  });
}

Variable linear(const Variable& x, const Variable& w, const Variable& b) {
  const Tensor &xt = x.value(), &wt = w.value();
  return record("linear", linear_forward(xt, wt, b.value()), {x, w, b},
                [xt, wt](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, linear_backward_input(dy, wt));
                  if (gradients.wanted(1)) linear_backward_weight(dy, xt, gradients.sum(1));
                  if (gradients.wanted(2)) linear_backward_bias(dy, gradients.sum(2));
                });
}

Variable conv2d(const Variable& x, const Variable& w, Conv2dOptions options) {
  return record("conv2d", conv2d_forward(x.value(), w.value(), options), {x, w},
                [x = x.value(), w = w.value(), options](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, conv2d_backward_data(dy, w, x.shape(), options));
                  if (gradients.wanted(1)) conv2d_backward_weight(gradients.sum(1), dy, x, options);
                },
                {{"stride", options.stride}, {"padding", options.padding}});
}

Variable attention(const Variable& qkv, std::int64_t heads, double scale) {
  const Tensor& in = qkv.value();
  const AttentionResult result = attention_forward(in, heads, scale);
  return record("attention", result.y, {qkv},
                [in, log_sum = result.log_sum, scale](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, attention_backward(dy, in, log_sum, scale));
                },
                {{"heads", heads}, {"scale", scale}});
}

// Pooling.

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

// Tokens.

Variable patchify(const Variable& images, std::int64_t patch) {
  return record("patchify", patchify_forward(images.value(), patch), {images},
                [shape = images.shape(), patch](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, patchify_backward(dy, shape, patch));
                });
}

Variable embed_tokens(const Variable& x, const Variable& cls, const Variable& position) {
  return record("embed_tokens", embed_tokens_forward(x.value(), cls.value(), position.value()),
                {x, cls, position}, [](const Tensor& dy, Gradients& gradients) {
                  if (gradients.wanted(0)) gradients.set(0, embed_tokens_backward_input(dy));
                  if (gradients.wanted(1)) embed_tokens_backward_cls(dy, gradients.sum(1));
                  if (gradients.wanted(2)) embed_tokens_backward_position(dy, gradients.sum(2));
                });
}

Variable select_token(const Variable& x, std::int64_t index) {
  return record("select_token", select_token_forward(x.value(), index), {x},
                [shape = x.shape(), index](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, select_token_backward(dy, shape, index));
                },
                {{"index", index}});
}

// Regularisation.

Variable dropout(const Variable& x, double p, RandomKey key) {
  if (p == 0) return x;
  return record(
      "dropout", dropout_forward(x.value(), p, key), {x},
      [p, key](const Tensor& dy, Gradients& gradients) { gradients.set(0, dropout_forward(dy, p, key)); });
}

Variable drop_path(const Variable& x, double p, RandomKey key) {
  if (p == 0) return x;
  return record(
      "drop_path", drop_path_forward(x.value(), p, key), {x},
      [p, key](const Tensor& dy, Gradients& gradients) { gradients.set(0, drop_path_forward(dy, p, key)); });
}

// Losses.

Variable softmax(const Variable& x) {
  Tensor y = softmax_forward(x.value());
  return record("softmax", y, {x},
                [y](const Tensor& dy, Gradients& gradients) { gradients.set(0, softmax_backward(dy, y)); });
}

Variable cross_entropy(const Variable& logits, const Tensor& targets) {
  CrossEntropy result = cross_entropy_forward(logits.value(), targets);
  return record("cross_entropy", result.loss, {logits},
                [probabilities = result.probabilities, targets, dtype = logits.value().dtype()](
                    const Tensor& dloss, Gradients& gradients) {
                  gradients.set(0, cross_entropy_backward(dloss, probabilities, targets, dtype));
                });
}

Variable bce_with_logits(const Variable& logits, const Tensor& targets) {
  return record("bce_with_logits", bce_with_logits_forward(logits.value(), targets), {logits},
                [x = logits.value(), targets](const Tensor& dloss, Gradients& gradients) {
                  gradients.set(0, bce_with_logits_backward(dloss, x, targets));
                });
}

}  // namespace salu
