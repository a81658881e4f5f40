// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// The core of multi-head self-attention. For each sample and head, with q, k, v (T, D/heads):
/// Forward:  s = scale q k^T, l_i = log sum_j exp(s_ij), p_ij = exp(s_ij - l_i), y = p v
/// Backward: dv = p^T dy, dp = dy v^T, ds_ij = p_ij (dp_ij - sum_m p_im dp_im),
///           dq = scale ds k, dk = scale ds^T q
/// Shapes:   qkv (B,T,3D): q, k, v along the last dimension, each (heads, D/heads);
///           y (B,T,D), l (B,heads,T), f32 for bf16 qkv. On CUDA D/heads is at most 256
/// Saved:    qkv, l. Computing p again costs one product on top of four; keeping it would take T times
///           the memory of l: 1.4 GB for the 12 layers of a ViT-B at batch 64
/// Grad:     dqkv =
/// Ref:      Vaswani et al. 2017, section 3.2; Dao et al. 2022, appendix B.2 (backward from l)
struct AttentionResult {
  Tensor y;
  Tensor log_sum;  ///< l
};
AttentionResult attention_forward(const Tensor& qkv, std::int64_t heads, double scale);
Tensor attention_backward(const Tensor& dy, const Tensor& qkv, const Tensor& log_sum, double scale);

struct AttentionKernels {
  Kernel<void(Tensor& y, Tensor& log_sum, const Tensor& qkv, double scale)> forward;
  Kernel<void(Tensor& dqkv, const Tensor& dy, const Tensor& qkv, const Tensor& log_sum, double scale)>
      backward;
};
extern AttentionKernels attention_kernels;

}  // namespace salu
