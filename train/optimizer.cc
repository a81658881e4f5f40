// SPDX-License-Identifier: MIT
#include "train/optimizer.h"

#include "core/profile.h"
#include "train/update_ranges.h"

namespace salu {

Optimizer::Optimizer(ParameterStore& store, OptimizerConfig config, Ema* ema) : store_(store), ema_(ema) {
  options_.kind = config.kind;
  options_.momentum = config.momentum;
  options_.nesterov = config.nesterov;
  options_.beta1 = config.betas[0];
  options_.beta2 = config.betas[1];
  options_.eps = config.eps;
  options_.clip_grad = config.clip_grad;
  options_.clip_mode = config.clip_grad > 0 ? config.clip_mode : ClipMode::norm;
  options_.ema_decay = ema ? ema->decay() : 0;
  options_.ema_warmup = ema && ema->warmup();
  const Tensor& values = store.values();
  plan_ = make_update_plan(update_ranges(store, config), values.device());
  if (options_.clip_mode == ClipMode::agc) plan_.units = clip_units(store).to(values.device());
  const auto add = [&](const char* name) {
    states_.push_back({name, Tensor::zeros(values.shape(), values.dtype(), values.device())});
  };
  if (config.kind == OptimizerKind::sgd || config.kind == OptimizerKind::lars) {
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
  const ProfileScope pass(ProfilePass::optimizer);
  measure_step(control_, store_.gradients(), loss);
  UpdateBuffers buffers{store_.values(),
                        store_.gradients(),
                        states_.front().values,
                        states_.size() > 1 ? states_.back().values : Tensor(),
                        ema_ ? ema_->values() : Tensor(),
                        store_.shadow()};
  update_parameters(buffers, control_, plan_, options_);
  if (!ema_) return;
  for (std::size_t i = 0; i < ema_->buffers().size(); ++i) {
    blend(ema_->buffers()[i], store_.buffers()[i].value, control_);
  }
}

StepResult Optimizer::result_of(const std::vector<double>& control) {
  const auto slot = [&](Control c) { return control[static_cast<std::size_t>(c)]; };
  return {slot(Control::loss), slot(Control::norm), slot(Control::applied) != 0};
}

std::int64_t Optimizer::count(Control slot) const {
  return static_cast<std::int64_t>(control_.values<double>()[static_cast<std::size_t>(slot)]);
}

std::int64_t Optimizer::updates() const { return count(Control::updates); }
void Optimizer::set_updates(std::int64_t n) { set(Control::updates, static_cast<double>(n)); }
std::int64_t Optimizer::ema_updates() const { return count(Control::ema_updates); }
void Optimizer::set_ema_updates(std::int64_t n) { set(Control::ema_updates, static_cast<double>(n)); }

Ema::Ema(ParameterStore& store, double decay, bool warmup)
    : store_(store), decay_(decay), warmup_(warmup), values_(store.values().clone()) {
  for (const Buffer& b : store.buffers()) buffers_.push_back(b.value.clone());
}

void Ema::swap() {
  swap_values(values_, store_.values());
  for (std::size_t i = 0; i < buffers_.size(); ++i) swap_values(buffers_[i], store_.buffers()[i].value);
  store_.refresh_shadow();
}

}  // namespace salu
