// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Cuts images into square patches, each a token: the input of a vision transformer. p is the patch size.
/// Forward:  y[n, i W/p + j, (r p + s) C + c] = x[n, i p + r, j p + s, c]
/// Backward: the same copy, the other way
/// Shapes:   x (N,H,W,C) with p dividing H and W, y (N, HW/p^2, p p C)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      Dosovitskiy et al. 2020, section 3.1
Tensor patchify_forward(const Tensor& x, std::int64_t patch);
Tensor patchify_backward(const Tensor& dy, const Shape& x_shape, std::int64_t patch);

struct PatchifyKernels {
  Kernel<void(Tensor& y, const Tensor& x, std::int64_t patch)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, std::int64_t patch)> backward;
};
extern PatchifyKernels patchify_kernels;

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

/// Selects one token of each sample: the class token, as input of a vision transformer's classifier.
/// Forward:  y[b] = x[b, index]
/// Backward: dx[b, index] = dy[b], zero for the other tokens
/// Shapes:   x (B,T,D) with 0 <= index < T, y (B,D)
/// Saved:    the shape of x
/// Grad:     dx =
/// Ref:      Dosovitskiy et al. 2020, eq. 4
Tensor select_token_forward(const Tensor& x, std::int64_t index);
Tensor select_token_backward(const Tensor& dy, const Shape& x_shape, std::int64_t index);

struct SelectTokenKernels {
  Kernel<void(Tensor& y, const Tensor& x, std::int64_t index)> forward;
  Kernel<void(Tensor& dx, const Tensor& dy, std::int64_t index)> backward;
};
extern SelectTokenKernels select_token_kernels;

}  // namespace salu
