// SPDX-License-Identifier: MIT
/// Normalization and activation as choices: every network is built from a pair of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/functions.h"
#include "layers/layers.h"

namespace salu {

enum class Norm { salu, batchnorm, layernorm, groupnorm, dyt, derf, none };
enum class Act { swalu, galu, relu, swish, hardswish, gelu, gelu_tanh, prelu };

inline constexpr std::pair<const char*, Norm> kNorms[] = {{"salu", Norm::salu},
                                                          {"batchnorm", Norm::batchnorm},
                                                          {"layernorm", Norm::layernorm},
                                                          {"groupnorm", Norm::groupnorm},
                                                          {"dyt", Norm::dyt},
                                                          {"derf", Norm::derf},
                                                          {"none", Norm::none}};
inline constexpr std::pair<const char*, Positive> kPositives[] = {
    {"exp", Positive::exp}, {"softplus", Positive::softplus}, {"log_sw", Positive::log_sw}};

Norm norm_of(const std::string& name);  ///< throws ErrorCode::usage naming the known ones
Act act_of(const std::string& name);
Positive positive_of(const std::string& name);  ///< exp, softplus, log_sw
std::vector<std::string> act_names();

/// Initial a and b of a curve a x / sqrt(1 + a b x^2).
struct CurveInit {
  double a, b;
};
/// a = 3^(1/4) makes an identity basic block keep the signal's variance with He fan-in weights;
/// W = 1/sqrt(a b) = 1.
inline constexpr CurveInit kStabilizerInit{1.316, 0.76};
/// Matches Swish's curvature at 0; the best of the small training runs.
inline constexpr CurveInit kSwaluInit{0.5, 0.5};
inline constexpr CurveInit kGaluInit{1, 1};

struct NormActConfig {
  Norm norm = Norm::salu;
  Act act = Act::swalu;
  Positive positive = Positive::exp;
  CurveInit stabilizer = kStabilizerInit;
  CurveInit gate = kSwaluInit;
  /// groups of group norm; if they do not divide the channels, the largest divisor below
  std::int64_t groups = 32;
  double layer_norm_eps = 1e-5;  ///< 1e-6 in timm's ViTs
};

/// a and b of one curve: parameters of one element, `alpha` and `beta` in a checkpoint.
class CurveParameters {
 public:
  CurveParameters(const Scope& scope, CurveInit init, Positive positive);
  Coefficients<Variable> coefficients() const { return {a_->variable, b_->variable, positive_}; }

 private:
  const Parameter *a_, *b_;
  Positive positive_;
};

/// A norm or an activation: one function and its line of `--summary`.
struct Pointwise {
  std::string name;
  const char* kind = nullptr;
  std::int64_t parameters = 0;
  /// Empty for Norm::none: the layer is then the identity and has no line.
  std::function<Variable(const Variable& x, Context& context)> function;
  std::optional<CurveParameters> curve = {};  ///< of SALU, SWALU and GALU

  void record(const Variable& x, Context& context) const {
    if (function) context.record({name, kind, x.shape(), parameters, 0});
  }
  Variable operator()(const Variable& x, Context& context) const {
    record(x, context);
    return function ? function(x, context) : x;
  }
};

Pointwise make_norm(const Scope& scope, std::int64_t channels, const NormActConfig& config);
Pointwise make_act(const Scope& scope, const NormActConfig& config);

/// act(norm(x)) and act(norm(x) + residual); (salu, swalu) runs as one fused pass each.
class NormAct {
 public:
  NormAct(const Scope& norm, const Scope& act, std::int64_t channels, const NormActConfig& config);
  Variable operator()(const Variable& x, Context& context) const;
  Variable operator()(const Variable& x, const Variable& residual, Context& context) const;
  /// act(drop_path(norm(x)) + residual), for training with stochastic depth; not fused.
  Variable dropped(const Variable& x, const Variable& residual, double rate, Context& context) const;

 private:
  Pointwise norm_, act_;
  bool fused_;
};

}  // namespace salu
