// SPDX-License-Identifier: MIT
#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/profile.h"

namespace salu {
namespace {

/// "layer1.0" of "layer1.0.conv1.weight": everything up to the first numeric part; "" without one.
std::string block_of(const std::string& name) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = name.find('.', begin);
    if (end == std::string::npos) return "";
    const std::string part = name.substr(begin, end - begin);
    if (part.find_first_not_of("0123456789") == std::string::npos) return name.substr(0, end);
    begin = end + 1;
  }
}

UpdateRange range_of(const Parameter& p, const OptimizerConfig& config, double layer_scale) {
  const bool coefficients = p.group == ParameterGroup::coefficients;
  const bool decays =
      config.weight_decay > 0 && (p.group == ParameterGroup::weights || (config.decay_all && !coefficients));
  return {p.offset,
          p.offset + p.shape.numel(),
          static_cast<float>(layer_scale * (coefficients ? config.coefficient_lr_scale : 1)),
          static_cast<float>(decays ? config.weight_decay : 0),
          static_cast<float>(coefficients ? config.coefficient_max_step : 0),
          decays && has_trust_ratios(config.kind)};
}

bool alike(const UpdateRange& a, const UpdateRange& b) {
  return a.lr_scale == b.lr_scale && a.weight_decay == b.weight_decay && a.max_step == b.max_step &&
         !a.trusts && !b.trusts;
}

}  // namespace

std::vector<int> layer_numbers(const ParameterStore& store) {
  const auto& parameters = store.parameters();
  const bool blocks = std::ranges::any_of(parameters, [](const auto& p) { return block_of(p.name) != ""; });
  std::vector<int> numbers;
  std::string block;
  int number = 0;
  for (const Parameter& p : parameters) {
    const std::string now = block_of(p.name);
    const bool matrix = p.group == ParameterGroup::weights;
    // A norm after the last block belongs to that block, as in timm; the head begins with its matrix.
    if (blocks ? now != block && (matrix || now != "") : matrix && !numbers.empty()) {
      ++number;
      block = now;
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<UpdateRange> update_ranges(const ParameterStore& store, const OptimizerConfig& config) {
  const std::vector<int> layers = layer_numbers(store);
  const int last = layers.empty() ? 0 : layers.back();
  std::vector<std::pair<const Parameter*, int>> by_offset;
  for (const Parameter& p : store.parameters()) by_offset.emplace_back(&p, layers[by_offset.size()]);
  std::ranges::sort(by_offset, {}, [](const auto& entry) { return entry.first->offset; });
  std::vector<UpdateRange> ranges;
  for (const auto& [p, layer] : by_offset) {
    const UpdateRange range = range_of(*p, config, std::pow(config.layer_decay, last - layer));
    if (!ranges.empty() && alike(ranges.back(), range)) {
      ranges.back().end = range.end;  // the padding between them is zero and stays zero
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

Tensor clip_units(const ParameterStore& store) {
  const Parameter* classifier = nullptr;  // the last matrix
  for (const Parameter& p : store.parameters()) {
    if (p.group == ParameterGroup::weights) classifier = &p;
  }
  std::vector<std::int64_t> bounds;
  for (const Parameter& p : store.parameters()) {
    if (p.group == ParameterGroup::coefficients || &p == classifier) continue;
    const std::int64_t units = p.group == ParameterGroup::weights ? p.shape[0] : 1;
    const std::int64_t length = p.shape.numel() / units;
    for (std::int64_t unit = 0; unit < units; ++unit) {
      bounds.insert(bounds.end(), {p.offset + unit * length, p.offset + (unit + 1) * length});
    }
  }
  return Tensor::from({static_cast<std::int64_t>(bounds.size()) / 2, 2}, bounds);
}

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
