// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Puts the class token before the patch tokens and adds the position embedding.
/// Forward:  y[b,0] = cls + position[0], y[b,t+1] = x[b,t] + position[t+1]
/// Backward: dx[b,t] = dy[b,t+1], dcls = sum over b of dy[b,0], dposition = sum over b of dy[b]
/// Shapes:   x (B,T,D), cls (D), position (T+1,D), y (B,T+1,D); for bf16 x the parameters are f32
/// Saved:    nothing
/// Grad:     dx =, dcls +=, dposition +=
/// Ref:      Dosovitskiy et al. 2020, eq. 1
Tensor embed_tokens_forward(const Tensor& x, const Tensor& cls, const Tensor& position);
Tensor embed_tokens_backward_input(const Tensor& dy);                      ///< dx
void embed_tokens_backward_cls(const Tensor& dy, Tensor& dcls);            ///< dcls +=
void embed_tokens_backward_position(const Tensor& dy, Tensor& dposition);  ///< dposition +=

struct EmbedTokensKernels {
  Kernel<void(Tensor& y, const Tensor& x, const Tensor& cls, const Tensor& position)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy)> backward_input;
  Kernel<void(Tensor& dcls, const Tensor& dy)> backward_cls;
  Kernel<void(Tensor& dposition, const Tensor& dy)> backward_position;
};
extern EmbedTokensKernels embed_tokens_kernels;

}  // namespace salu
