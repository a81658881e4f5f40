// SPDX-License-Identifier: MIT
#include "layers/norm_act.h"

#include <algorithm>

#include "core/choices.h"
#include "core/ops/salu_math.h"

namespace salu {
namespace {

/// A learned scalar of a layer.
Parameter& scalar(const Scope& scope, const char* name, double init) {
  return scope.parameter(name, {1}, ParameterGroup::coefficients, constant_init(init));
}

/// gamma and beta per channel: `weight` and `bias` in a checkpoint.
struct Affine {
  Affine(const Scope& scope, std::int64_t channels)
      : gamma(scope.parameter("weight", {channels}, ParameterGroup::no_decay, constant_init(1)).variable),
        beta(scope.parameter("bias", {channels}, ParameterGroup::no_decay, constant_init(0)).variable) {}
  const Variable &gamma, &beta;
};

/// SALU, SWALU or GALU.
using CurveFunction = Variable (*)(const Variable& x, const Coefficients<Variable>& c);
Pointwise make_curve(const Scope& scope, const char* kind, CurveFunction function, CurveInit init,
                     Positive positive) {
  const CurveParameters curve(scope, init, positive);
  return {scope.prefix, kind, 2,
          [function, curve](const Variable& x, Context&) { return function(x, curve.coefficients()); },
          curve};
}

Pointwise make_batchnorm(const Scope& scope, std::int64_t channels) {
  const Affine affine(scope, channels);
  Buffer& mean = scope.buffer("running_mean", {channels}, 0);
  Buffer& var = scope.buffer("running_var", {channels}, 1);
  return {
      scope.prefix, "BatchNorm", 2 * channels, [affine, &mean, &var](const Variable& x, Context& context) {
        return batch_norm(x, affine.gamma, affine.beta, mean.value, var.value, context.training, 0.1, 1e-5);
      }};
}

Pointwise make_layernorm(const Scope& scope, std::int64_t channels, double eps) {
  const Affine affine(scope, channels);
  return {scope.prefix, "LayerNorm", 2 * channels, [affine, eps](const Variable& x, Context&) {
            return layer_norm(x, affine.gamma, affine.beta, eps);
          }};
}

Pointwise make_groupnorm(const Scope& scope, std::int64_t channels, std::int64_t groups) {
  const Affine affine(scope, channels);
  groups = std::min(groups, channels);
  while (channels % groups != 0) --groups;
  return {scope.prefix, "GroupNorm", 2 * channels, [affine, groups](const Variable& x, Context&) {
            if (x.shape().rank() != 3) return group_norm(x, affine.gamma, affine.beta, groups, 1e-5);
            // Tokens (B,T,D) are an image of one column.
            const Variable image = view(x, {x.dim(0), x.dim(1), 1, x.dim(2)});
            return view(group_norm(image, affine.gamma, affine.beta, groups, 1e-5), x.shape());
          }};
}

// DyT and Derf: elementwise replacements for a norm, with one slope per layer.

Pointwise make_dyt(const Scope& scope, std::int64_t channels) {
  const Affine affine(scope, channels);
  const Variable& alpha = scalar(scope, "alpha", 0.5).variable;
  return {scope.prefix, "DyT", 2 * channels + 1,
          [affine, &alpha](const Variable& x, Context&) { return dyt(x, alpha, affine.gamma, affine.beta); }};
}

Pointwise make_derf(const Scope& scope, std::int64_t channels) {
  const Affine affine(scope, channels);
  const Variable& alpha = scalar(scope, "alpha", 0.5).variable;
  const Variable& shift = scalar(scope, "shift", 0).variable;
  return {scope.prefix, "Derf", 2 * channels + 2, [affine, &alpha, &shift](const Variable& x, Context&) {
            return derf(x, alpha, shift, affine.gamma, affine.beta);
          }};
}

Pointwise make_prelu(const Scope& scope) {
  const Variable& slope = scalar(scope, "weight", 0.25).variable;
  return {scope.prefix, "PReLU", 1, [&slope](const Variable& x, Context&) { return prelu(x, slope); }};
}

Pointwise make_plain(const Scope& scope, const char* kind, Variable (*function)(const Variable& x)) {
  return {scope.prefix, kind, 0, [function](const Variable& x, Context&) { return function(x); }};
}

Variable exact_gelu(const Variable& x) { return gelu(x, GeluKind::erf); }
Variable tanh_gelu(const Variable& x) { return gelu(x, GeluKind::tanh); }

/// An activation: its line of `--summary`, and its function if it has no parameters.
struct ActRow {
  Act act;
  const char* kind;
  Variable (*function)(const Variable& x) = nullptr;
};
constexpr std::pair<const char*, ActRow> kActs[] = {{"swalu", {Act::swalu, "SWALU"}},
                                                    {"galu", {Act::galu, "GALU"}},
                                                    {"relu", {Act::relu, "ReLU", relu}},
                                                    {"swish", {Act::swish, "Swish", swish}},
                                                    {"hardswish", {Act::hardswish, "Hardswish", hardswish}},
                                                    {"gelu", {Act::gelu, "GELU", exact_gelu}},
                                                    {"gelu_tanh", {Act::gelu_tanh, "GELU (tanh)", tanh_gelu}},
                                                    {"prelu", {Act::prelu, "PReLU"}}};

}  // namespace

Norm norm_of(const std::string& name) { return choice_of("--norm", kNorms, name); }
Act act_of(const std::string& name) { return choice_of("--act", kActs, name).act; }
Positive positive_of(const std::string& name) { return choice_of("--positive", kPositives, name); }
std::vector<std::string> act_names() { return choice_names(kActs); }

CurveParameters::CurveParameters(const Scope& scope, CurveInit init, Positive positive)
    : positive_(positive) {
  const Coefficients<double> stored = stored_coefficients(init.a, init.b, positive);
  a_ = &scalar(scope, "alpha", stored.a);
  b_ = &scalar(scope, "beta", stored.b);
}

Pointwise make_norm(const Scope& scope, std::int64_t channels, const NormActConfig& config) {
  switch (config.norm) {
    case Norm::salu:
      return make_curve(scope, "SALU", salu, config.stabilizer, config.positive);
    case Norm::batchnorm:
      return make_batchnorm(scope, channels);
    case Norm::layernorm:
      return make_layernorm(scope, channels, config.layer_norm_eps);
    case Norm::groupnorm:
      return make_groupnorm(scope, channels, config.groups);
    case Norm::dyt:
      return make_dyt(scope, channels);
    case Norm::derf:
      return make_derf(scope, channels);
    case Norm::none:
      break;
  }
  return {};
}

Pointwise make_act(const Scope& scope, const NormActConfig& config) {
  const auto is_chosen = [&](const auto& row) { return row.second.act == config.act; };
  const ActRow& act = std::ranges::find_if(kActs, is_chosen)->second;
  if (act.function) return make_plain(scope, act.kind, act.function);
  if (config.act == Act::prelu) return make_prelu(scope);
  return make_curve(scope, act.kind, config.act == Act::galu ? galu : swalu, config.gate, config.positive);
}

NormAct::NormAct(const Scope& norm, const Scope& act, std::int64_t channels, const NormActConfig& config)
    : norm_(make_norm(norm, channels, config)),
      act_(make_act(act, config)),
      fused_(config.norm == Norm::salu && config.act == Act::swalu) {}

Variable NormAct::operator()(const Variable& x, Context& context) const {
  if (!fused_) return act_(norm_(x, context), context);
  norm_.record(x, context);
  act_.record(x, context);
  return salu_swalu(x, norm_.curve->coefficients(), act_.curve->coefficients());
}

Variable NormAct::operator()(const Variable& x, const Variable& residual, Context& context) const {
  if (!fused_) return act_(add(norm_(x, context), residual), context);
  norm_.record(x, context);
  act_.record(x, context);
  return salu_add_swalu(x, residual, norm_.curve->coefficients(), act_.curve->coefficients());
}

Variable NormAct::dropped(const Variable& x, const Variable& residual, double rate, Context& context) const {
  const Variable branch = drop_path(norm_(x, context), rate, context.next_key(Purpose::drop_path));
  return act_(add(branch, residual), context);
}

}  // namespace salu
