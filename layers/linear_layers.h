// SPDX-License-Identifier: MIT
#pragma once

#include "autograd/functions.h"
#include "layers/context.h"
#include "layers/init.h"

namespace salu {

/// Convolution without bias (a stabilizer or norm follows). x (N,H,W,C) -> (N,P,Q,K).
class Conv2d {
 public:
  /// Parameter `weight` (K,R,S,C), R = S = kernel.
  Conv2d(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel, Conv2dOptions options,
         WeightInit init);
  Variable operator()(const Variable& x, Context& context) const;

 private:
  std::string name_;
  Conv2dOptions options_;
  Parameter& weight_;
};

/// y = x w^T + b. x (...,C) -> (...,N).
class Linear {
 public:
  /// Parameters `weight` (N,C) and `bias` (N).
  Linear(const Scope& scope, std::int64_t in, std::int64_t out, LinearInit init);
  Variable operator()(const Variable& x, Context& context) const;

 private:
  std::string name_;
  Parameter &weight_, &bias_;
};

}  // namespace salu
