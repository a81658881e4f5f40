// SPDX-License-Identifier: MIT
#include "core/ops/attention.h"

#include "autograd/functions.h"

namespace salu {

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
