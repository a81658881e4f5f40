// SPDX-License-Identifier: MIT
/// Every differentiable function, one line each. The mathematics of each is its contract in core/ops; its
/// gradient stands below it in functions.cc.
#pragma once

#include "autograd/variable.h"
#include "core/ops/options.h"
#include "core/rng.h"

namespace salu {

// The SALU family (formulas in core/ops/salu.h).
Variable salu(const Variable& x, const Coefficients<Variable>& c);
Variable swalu(const Variable& x, const Coefficients<Variable>& c);
Variable galu(const Variable& x, const Coefficients<Variable>& c);
/// swalu(salu(x; stabilizer); gate) in one pass.
Variable salu_swalu(const Variable& x, const Coefficients<Variable>& stabilizer,
                    const Coefficients<Variable>& gate);
/// swalu(salu(x; stabilizer) + residual; gate) in one pass.
Variable salu_add_swalu(const Variable& x, const Variable& residual, const Coefficients<Variable>& stabilizer,
                        const Coefficients<Variable>& gate);

// Other activations, elementwise.
Variable relu(const Variable& x);
Variable prelu(const Variable& x, const Variable& slope);  ///< slope (1)
Variable swish(const Variable& x);
Variable hardswish(const Variable& x);
Variable gelu(const Variable& x, GeluKind kind);

// Elementwise replacements for normalization: alpha, shift (1); gamma, beta (C), C the last dimension of x.
Variable dyt(const Variable& x, const Variable& alpha, const Variable& gamma, const Variable& beta);
Variable derf(const Variable& x, const Variable& alpha, const Variable& shift, const Variable& gamma,
              const Variable& beta);

// Normalization; gamma, beta (C), C the last dimension of x.
// Training normalizes with batch statistics and updates the running ones (C) in place with `momentum`.
// Evaluation normalizes with the running ones.
Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta, Tensor running_mean,
                    Tensor running_var, bool training, double momentum, double eps);
Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, double eps);
Variable group_norm(const Variable& x, const Variable& gamma, const Variable& beta, std::int64_t groups,
                    double eps);  ///< x (N,H,W,C) or (N,C)

// Arithmetic.
Variable add(const Variable& a, const Variable& b);
Variable mul(const Variable& a, const Variable& b);
Variable scale(const Variable& x, double factor);
Variable bias(const Variable& x, const Variable& b);  ///< x (...,C) + b (C)
Variable sum(const Variable& x);                      ///< scalar
Variable mean(const Variable& x);                     ///< scalar
Variable view(const Variable& x, Shape shape);

// Products.
Variable matmul(const Variable& a, const Variable& b);  ///< (M,K) x (K,N) -> (M,N)
Variable linear(const Variable& x, const Variable& w,
                const Variable& b);  ///< (...,C) x (N,C) [+ (N)] -> (...,N)
/// x (N,H,W,C), w (K,R,S,C) -> (N,P,Q,K); without bias.
Variable conv2d(const Variable& x, const Variable& w, Conv2dOptions options);

// Pooling, x (N,H,W,C).
Variable max_pool2d(const Variable& x, Pool2dOptions options);
Variable avg_pool2d(const Variable& x, Pool2dOptions options);
Variable global_avg_pool(const Variable& x);  ///< (N,H,W,C) -> (N,C)

// Tokens.
Variable softmax(const Variable& x);  ///< over the last dimension
/// Multi-head self-attention core: qkv (B,T,3D), its last dimension q, k, v, each (heads, D/heads) ->
/// (B,T,D).
Variable attention(const Variable& qkv, std::int64_t heads, double scale);
Variable patchify(const Variable& images,
                  std::int64_t patch);  ///< (N,H,W,C) -> (N,HW/p^2,p*p*C), (row,col,channel)
/// Prepends `cls` (D) to the tokens x (B,T,D) and adds `position` (T+1,D) -> (B,T+1,D).
Variable embed_tokens(const Variable& x, const Variable& cls, const Variable& position);
Variable select_token(const Variable& x, std::int64_t index);  ///< (B,T,D) -> (B,D)

// Regularisation. The mask is a function of the key.
Variable dropout(const Variable& x, double p, RandomKey key);
Variable drop_path(const Variable& x, double p, RandomKey key);  ///< drops whole samples (first dimension)

/// Mean over the batch of -sum_k targets log softmax(logits): logits, targets (B,K); targets take no
/// gradient.
Variable cross_entropy(const Variable& logits, const Tensor& targets);
Variable bce_with_logits(const Variable& logits, const Tensor& targets);

}  // namespace salu
