// SPDX-License-Identifier: MIT
#include "train/optimizer.h"

#include "layers/choices.h"

namespace salu {
namespace {

constexpr std::pair<const char*, OptimizerKind> kOptimizers[] = {
    {"sgd", OptimizerKind::sgd}, {"adam", OptimizerKind::adam}, {"adamw", OptimizerKind::adamw}};

UpdateRange update_range(const ParameterRange& range, const OptimizerConfig& config) {
  const bool coefficients = range.group == ParameterGroup::coefficients;
  const bool decays = range.group == ParameterGroup::weights || (config.decay_all && !coefficients);
  return {range.begin, range.end, static_cast<float>(coefficients ? config.coefficient_lr_scale : 1),
          static_cast<float>(decays ? config.weight_decay : 0),
          static_cast<float>(coefficients ? config.coefficient_max_step : 0)};
}

}  // namespace

OptimizerKind optimizer_of(const std::string& name) { return choice_of("--opt", kOptimizers, name); }

Optimizer::Optimizer(ParameterStore& store, OptimizerConfig config, Ema* ema) : store_(store), ema_(ema) {
  options_.kind = config.kind;
  options_.momentum = config.momentum;
  options_.nesterov = config.nesterov;
  options_.beta1 = config.beta1;
  options_.beta2 = config.beta2;
  options_.eps = config.eps;
  options_.clip_grad = config.clip_grad;
  options_.ema_decay = ema ? ema->decay() : 0;
  for (const ParameterRange& range : store.ranges()) {
    options_.ranges[options_.range_count++] = update_range(range, config);
  }
  const Tensor& values = store.values();
  const auto add = [&](const char* name) {
    states_.push_back({name, Tensor::zeros(values.shape(), values.dtype(), values.device())});
  };
  if (config.kind == OptimizerKind::sgd) {
    add("momentum");
  } else {
    add("exp_avg");
    add("exp_avg_sq");
  }
  control_ = Tensor::zeros({kControlSlots}, DType::f64, values.device());
}

void Optimizer::set(Control slot, double value) {
  control_.narrow(static_cast<std::int64_t>(slot), {1}).fill(value);
}

void Optimizer::set_lr(double lr) { set(Control::lr, lr); }

void Optimizer::step(const Tensor& loss) {
  measure_step(control_, store_.gradients(), loss);
  UpdateBuffers buffers{store_.values(),
                        store_.gradients(),
                        states_.front().values,
                        states_.size() > 1 ? states_.back().values : Tensor(),
                        ema_ ? ema_->values() : Tensor(),
                        store_.shadow()};
  update_parameters(buffers, control_, options_);
  if (!ema_) return;
  for (std::size_t i = 0; i < ema_->buffers().size(); ++i) {
    blend(ema_->buffers()[i], store_.buffers()[i].value, ema_->decay(), control_);
  }
}

StepResult Optimizer::result_of(const std::vector<double>& control) {
  const auto slot = [&](Control c) { return control[static_cast<std::size_t>(c)]; };
  return {slot(Control::loss), slot(Control::norm), slot(Control::applied) != 0};
}

std::int64_t Optimizer::updates() const {
  return static_cast<std::int64_t>(control_.values<double>()[static_cast<std::size_t>(Control::updates)]);
}

void Optimizer::set_updates(std::int64_t n) { set(Control::updates, static_cast<double>(n)); }

Ema::Ema(ParameterStore& store, double decay)
    : store_(store), decay_(decay), values_(store.values().clone()) {
  for (const Buffer& b : store.buffers()) buffers_.push_back(b.value.clone());
}

void Ema::swap() {
  swap_values(values_, store_.values());
  for (std::size_t i = 0; i < buffers_.size(); ++i) swap_values(buffers_[i], store_.buffers()[i].value);
  store_.refresh_shadow();
}

}  // namespace salu
