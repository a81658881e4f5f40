// SPDX-License-Identifier: MIT
#include "core/ops/attention.h"

namespace salu {

AttentionResult attention_forward(const Tensor& qkv, std::int64_t heads, double scale) {
  check(qkv.shape().rank() == 3 && heads > 0 && qkv.dim(2) % (3 * heads) == 0,
        "[attention] expected qkv (B,T,3D) with D divisible by {} heads, got {}", heads, qkv.shape().str());
  const std::int64_t batch = qkv.dim(0), tokens = qkv.dim(1);
  // Sixteen tokens of the six matrices of the backward pass must fit into the shared memory of a block.
  check(qkv.device().type == DeviceType::cpu || qkv.dim(2) / (3 * heads) <= 256,
        "[attention] expected at most 256 numbers per head on {}, got {}", qkv.device().str(),
        qkv.dim(2) / (3 * heads));
  AttentionResult result{Tensor::empty({batch, tokens, qkv.dim(2) / 3}, qkv.dtype(), qkv.device()),
                         Tensor::empty({batch, heads, tokens}, parameter_dtype(qkv.dtype()), qkv.device())};
  attention_kernels.forward(qkv.device(), result.y, result.log_sum, qkv, scale);
  return result;
}

Tensor attention_backward(const Tensor& dy, const Tensor& qkv, const Tensor& log_sum, double scale) {
  check_shape("attention", "dy", dy, qkv.shape().with(2, qkv.dim(2) / 3));
  check_parameter("attention", "log_sum", log_sum, qkv);
  Tensor dqkv = Tensor::empty(qkv.shape(), qkv.dtype(), qkv.device());
  attention_kernels.backward(qkv.device(), dqkv, dy, qkv, log_sum, scale);
  return dqkv;
}

}  // namespace salu
