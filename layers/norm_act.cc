// SPDX-License-Identifier: MIT
#include "layers/norm_act.h"

#include "core/choices.h"

namespace salu {
namespace {

double stored(double positive_value, Positive positive) {
  return positive == Positive::exp ? std::log(positive_value) : std::log(std::expm1(positive_value));
}

double stored_p(CurveInit c, Positive positive) {
  return positive == Positive::log_sw ? 0.5 * std::log(c.a / c.b) : stored(c.a, positive);
}
double stored_q(CurveInit c, Positive positive) {
  return positive == Positive::log_sw ? -0.5 * std::log(c.a * c.b) : stored(c.b, positive);
}

/// For `--summary`: a curve has two parameters and multiplies nothing by a matrix.
void record_curve(Context& context, const std::string& name, const char* kind, const Variable& x) {
  context.record({name, kind, x.shape(), 2, 0});
}

/// SALU, SWALU or GALU: one function with a coefficient pair.
class CurveLayer : public Pointwise {
 public:
  using Function = Variable (*)(const Variable& x, const Variable& p, const Variable& q, Positive positive);
  CurveLayer(const Scope& scope, const char* kind, Function function, CurveInit init, Positive positive)
      : name_(scope.prefix),
        kind_(kind),
        function_(function),
        positive_(positive),
        pair_(scope, init, positive) {}

  Variable operator()(const Variable& x, Context& context) const override {
    record_curve(context, name_, kind_, x);
    return function_(x, pair_.p.variable, pair_.q.variable, positive_);
  }

 private:
  std::string name_;
  const char* kind_;
  Function function_;
  Positive positive_;
  CurveParameters pair_;
};

/// An activation without parameters.
class PlainAct : public Pointwise {
 public:
  using Function = Variable (*)(const Variable& x);
  PlainAct(std::string name, const char* kind, Function function)
      : name_(std::move(name)), kind_(kind), function_(function) {}
  Variable operator()(const Variable& x, Context& context) const override {
    context.record({name_, kind_, x.shape(), 0, 0});
    return function_(x);
  }

 private:
  std::string name_;
  const char* kind_;
  Function function_;
};

class PreluAct : public Pointwise {
 public:
  explicit PreluAct(const Scope& scope)
      : name_(scope.prefix),
        slope_(scope.parameter("weight", {1}, ParameterGroup::coefficients, constant_init(0.25))) {}
  Variable operator()(const Variable& x, Context& context) const override {
    context.record({name_, "PReLU", x.shape(), 1, 0});
    return prelu(x, slope_.variable);
  }

 private:
  std::string name_;
  Parameter& slope_;
};

/// What the norms share: gamma and beta per channel.
class AffineNorm : public Pointwise {
 public:
  AffineNorm(const Scope& scope, std::int64_t channels, const char* kind)
      : name_(scope.prefix),
        kind_(kind),
        gamma_(scope.parameter("weight", {channels}, ParameterGroup::no_decay, constant_init(1))),
        beta_(scope.parameter("bias", {channels}, ParameterGroup::no_decay, constant_init(0))) {}

  Variable operator()(const Variable& x, Context& context) const override {
    context.record({name_, kind_, x.shape(), 2 * gamma_.shape.numel() + extra_parameters(), 0});
    return apply(x, context);
  }

 protected:
  virtual Variable apply(const Variable& x, Context& context) const = 0;
  virtual std::int64_t extra_parameters() const { return 0; }
  const Variable& gamma() const { return gamma_.variable; }
  const Variable& beta() const { return beta_.variable; }

 private:
  std::string name_;
  const char* kind_;
  Parameter &gamma_, &beta_;
};

class BatchNorm : public AffineNorm {
 public:
  BatchNorm(const Scope& scope, std::int64_t channels)
      : AffineNorm(scope, channels, "BatchNorm"),
        mean_(scope.buffer("running_mean", {channels}, 0)),
        var_(scope.buffer("running_var", {channels}, 1)) {}

 protected:
  Variable apply(const Variable& x, Context& context) const override {
    return batch_norm(x, gamma(), beta(), mean_.value, var_.value, context.training, 0.1, 1e-5);
  }

 private:
  Buffer &mean_, &var_;
};

class LayerNorm : public AffineNorm {
 public:
  LayerNorm(const Scope& scope, std::int64_t channels, double eps)
      : AffineNorm(scope, channels, "LayerNorm"), eps_(eps) {}

 protected:
  Variable apply(const Variable& x, Context&) const override { return layer_norm(x, gamma(), beta(), eps_); }

 private:
  double eps_;
};

class GroupNorm : public AffineNorm {
 public:
  GroupNorm(const Scope& scope, std::int64_t channels, std::int64_t groups)
      : AffineNorm(scope, channels, "GroupNorm"), groups_(std::min(groups, channels)) {
    while (channels % groups_ != 0) --groups_;
  }

 protected:
  Variable apply(const Variable& x, Context&) const override {
    if (x.shape().rank() != 3) return group_norm(x, gamma(), beta(), groups_, 1e-5);
    // Tokens (B,T,D) are a picture of one column.
    const Variable y = group_norm(view(x, {x.dim(0), x.dim(1), 1, x.dim(2)}), gamma(), beta(), groups_, 1e-5);
    return view(y, x.shape());
  }

 private:
  std::int64_t groups_;
};

/// DyT and Derf: elementwise stand-ins with one slope per module.
class Dyt : public AffineNorm {
 public:
  Dyt(const Scope& scope, std::int64_t channels)
      : AffineNorm(scope, channels, "DyT"),
        alpha_(scope.parameter("alpha", {1}, ParameterGroup::coefficients, constant_init(0.5))) {}

 protected:
  Variable apply(const Variable& x, Context&) const override {
    return dyt(x, alpha_.variable, gamma(), beta());
  }
  std::int64_t extra_parameters() const override { return 1; }

 private:
  Parameter& alpha_;
};

class Derf : public AffineNorm {
 public:
  Derf(const Scope& scope, std::int64_t channels)
      : AffineNorm(scope, channels, "Derf"),
        alpha_(scope.parameter("alpha", {1}, ParameterGroup::coefficients, constant_init(0.5))),
        shift_(scope.parameter("shift", {1}, ParameterGroup::coefficients, constant_init(0))) {}

 protected:
  Variable apply(const Variable& x, Context&) const override {
    return derf(x, alpha_.variable, shift_.variable, gamma(), beta());
  }
  std::int64_t extra_parameters() const override { return 2; }

 private:
  Parameter &alpha_, &shift_;
};

}  // namespace

Norm norm_of(const std::string& name) { return choice_of("--norm", kNorms, name); }
Act act_of(const std::string& name) { return choice_of("--act", kActs, name); }
Positive positive_of(const std::string& name) { return choice_of("--positive", kPositives, name); }
const char* name_of(Norm norm) { return choice_name(kNorms, norm); }
const char* name_of(Act act) { return choice_name(kActs, act); }
const char* name_of(Positive positive) { return choice_name(kPositives, positive); }

CurveParameters::CurveParameters(const Scope& scope, CurveInit init, Positive positive)
    : p(scope.parameter("alpha", {1}, ParameterGroup::coefficients, constant_init(stored_p(init, positive)))),
      q(scope.parameter("beta", {1}, ParameterGroup::coefficients, constant_init(stored_q(init, positive)))) {
}

std::unique_ptr<Pointwise> make_norm(const Scope& scope, std::int64_t channels, const NormActConfig& config) {
  switch (config.norm) {
    case Norm::salu:
      return std::make_unique<CurveLayer>(scope, "SALU", salu, config.stabilizer, config.positive);
    case Norm::batchnorm:
      return std::make_unique<BatchNorm>(scope, channels);
    case Norm::layernorm:
      return std::make_unique<LayerNorm>(scope, channels, config.layer_norm_eps);
    case Norm::groupnorm:
      return std::make_unique<GroupNorm>(scope, channels, config.groups);
    case Norm::dyt:
      return std::make_unique<Dyt>(scope, channels);
    case Norm::derf:
      return std::make_unique<Derf>(scope, channels);
    case Norm::none:
      break;
  }
  return nullptr;
}

std::unique_ptr<Pointwise> make_act(const Scope& scope, const NormActConfig& config) {
  switch (config.act) {
    case Act::swalu:
      return std::make_unique<CurveLayer>(scope, "SWALU", swalu, config.gate, config.positive);
    case Act::galu:
      return std::make_unique<CurveLayer>(scope, "GALU", galu, config.gate, config.positive);
    case Act::relu:
      return std::make_unique<PlainAct>(scope.prefix, "ReLU", relu);
    case Act::swish:
      return std::make_unique<PlainAct>(scope.prefix, "Swish", swish);
    case Act::gelu:
      return std::make_unique<PlainAct>(scope.prefix, "GELU",
                                        [](const Variable& x) { return gelu(x, GeluKind::erf); });
    case Act::gelu_tanh:
      return std::make_unique<PlainAct>(scope.prefix, "GELU (tanh)",
                                        [](const Variable& x) { return gelu(x, GeluKind::tanh); });
    case Act::prelu:
      break;
  }
  return std::make_unique<PreluAct>(scope);
}

NormAct::NormAct(const Scope& norm, const Scope& act, std::int64_t channels, const NormActConfig& config)
    : fused_(config.norm == Norm::salu && config.act == Act::swalu),
      positive_(config.positive),
      norm_name_(norm.prefix),
      act_name_(act.prefix) {
  if (fused_) {
    stabilizer_ = std::make_unique<CurveParameters>(norm, config.stabilizer, config.positive);
    gate_ = std::make_unique<CurveParameters>(act, config.gate, config.positive);
  } else {
    norm_ = make_norm(norm, channels, config);
    act_ = make_act(act, config);
  }
}

Variable NormAct::normalized(const Variable& x, Context& context) const {
  if (!fused_) return norm_ ? (*norm_)(x, context) : x;
  record_curve(context, norm_name_, "SALU", x);
  return salu(x, stabilizer_->p.variable, stabilizer_->q.variable, positive_);
}

Variable NormAct::activated(const Variable& x, Context& context) const {
  if (!fused_) return (*act_)(x, context);
  record_curve(context, act_name_, "SWALU", x);
  return swalu(x, gate_->p.variable, gate_->q.variable, positive_);
}

Variable NormAct::operator()(const Variable& x, Context& context) const {
  if (!fused_) return activated(normalized(x, context), context);
  record_curve(context, norm_name_, "SALU", x);
  record_curve(context, act_name_, "SWALU", x);
  return salu_swalu(x, stabilizer_->p.variable, stabilizer_->q.variable, gate_->p.variable, gate_->q.variable,
                    positive_);
}

Variable NormAct::operator()(const Variable& x, const Variable& residual, Context& context) const {
  if (!fused_) return activated(add(normalized(x, context), residual), context);
  record_curve(context, norm_name_, "SALU", x);
  record_curve(context, act_name_, "SWALU", x);
  return salu_add_swalu(x, residual, stabilizer_->p.variable, stabilizer_->q.variable, gate_->p.variable,
                        gate_->q.variable, positive_);
}

Variable NormAct::dropped(const Variable& x, const Variable& residual, double rate, Context& context) const {
  const Variable branch = drop_path(normalized(x, context), rate, context.next_key(Purpose::drop_path));
  return activated(add(branch, residual), context);
}

}  // namespace salu
