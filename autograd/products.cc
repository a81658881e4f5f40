// SPDX-License-Identifier: MIT
#include "core/ops/products.h"

#include "autograd/functions.h"
#include "core/ops/attention.h"
#include "core/ops/conv2d.h"

namespace salu {

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

}  // namespace salu
