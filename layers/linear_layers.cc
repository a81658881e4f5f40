// SPDX-License-Identifier: MIT
#include "layers/linear_layers.h"

#include <cmath>

namespace salu {

Conv2d::Conv2d(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel,
               Conv2dOptions options, WeightInit init)
    : name_(scope.prefix),
      options_(options),
      weight_(scope.parameter("weight", {out, kernel, kernel, in}, ParameterGroup::weights,
                              conv_initializer(init, kernel * kernel * in, kernel * kernel * out))) {}

Variable Conv2d::operator()(const Variable& x, Context& context) const {
  Variable y = conv2d(x, weight_.variable, options_);  // (N,H,W,C) * (K,R,S,C) -> (N,P,Q,K)
  const std::int64_t macs_per_output = weight_.shape.numel() / weight_.shape[0];
  context.record({name_, "Conv2d", y.shape(), weight_.shape.numel(), y.value().numel() * macs_per_output});
  return y;
}

Linear::Linear(const Scope& scope, std::int64_t in, std::int64_t out, LinearInit init)
    : name_(scope.prefix),
      weight_(scope.parameter("weight", {out, in}, ParameterGroup::weights, linear_initializer(init, in))),
      bias_(
          scope.parameter("bias", {out}, ParameterGroup::no_decay,
                          init == LinearInit::framework ? linear_initializer(init, in) : constant_init(0))) {}

Variable Linear::operator()(const Variable& x, Context& context) const {
  Variable y = linear(x, weight_.variable, bias_.variable);  // (...,C) x (N,C) -> (...,N)
  context.record({name_, "Linear", y.shape(), weight_.shape.numel() + bias_.shape.numel(),
                  y.value().numel() * weight_.shape[1]});
  return y;
}

}  // namespace salu
