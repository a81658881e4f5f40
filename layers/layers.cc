// SPDX-License-Identifier: MIT
#include "layers/layers.h"

#include <cmath>

#include "core/choices.h"

namespace salu {
namespace {

Initializer conv_initializer(WeightInit init, std::int64_t fan_in, std::int64_t fan_out) {
  const double in = static_cast<double>(fan_in), out = static_cast<double>(fan_out);
  switch (init) {
    case WeightInit::he_fan_in:
      return normal_init(std::sqrt(2 / in));
    case WeightInit::he_fan_out:
      return normal_init(std::sqrt(2 / out));
    case WeightInit::lecun:
      return normal_init(std::sqrt(1 / in));
    case WeightInit::framework:
      break;
  }
  return uniform_init(1 / std::sqrt(in));
}

Initializer linear_initializer(LinearInit init, std::int64_t in) {
  if (init == LinearInit::small_normal) return normal_init(0.01);
  if (init == LinearInit::transformer) return normal_init(0.02);
  return uniform_init(1 / std::sqrt(static_cast<double>(in)));
}

}  // namespace

WeightInit weight_init_of(const std::string& name) { return choice_of("--weight-init", kWeightInits, name); }

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
