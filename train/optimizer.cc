// SPDX-License-Identifier: MIT
#include "train/optimizer.h"

#include <cmath>

#include "core/parallel.h"
#include "layers/choices.h"

namespace salu {
namespace {

constexpr std::pair<const char*, OptimizerKind> kOptimizers[] = {
    {"sgd", OptimizerKind::sgd}, {"adam", OptimizerKind::adam}, {"adamw", OptimizerKind::adamw}};

/// What one range of the flat buffer needs to know.
struct RangeStep {
  float lr, weight_decay, gradient_scale, max_step;
};

float limited(float change, float max_step) {
  if (max_step == 0) return change;
  return change > max_step ? max_step : change < -max_step ? -max_step : change;
}

void sgd_range(std::int64_t n, float* p, const float* g, float* v, const RangeStep& s, float momentum,
               bool nesterov) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] * s.gradient_scale + s.weight_decay * p[i];
    v[i] = momentum * v[i] + gradient;
    const float direction = nesterov ? gradient + momentum * v[i] : v[i];
    p[i] -= limited(s.lr * direction, s.max_step);
  }
}

struct AdamStep {
  float beta1, beta2, eps;
  float correction1, correction2;  ///< 1 / (1 - beta^t), the second under the root
  bool decoupled;
};

void adam_range(std::int64_t n, float* p, const float* g, float* m, float* v, const RangeStep& s,
                const AdamStep& a) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] * s.gradient_scale + (a.decoupled ? 0.0f : s.weight_decay * p[i]);
    m[i] = a.beta1 * m[i] + (1 - a.beta1) * gradient;
    v[i] = a.beta2 * v[i] + (1 - a.beta2) * gradient * gradient;
    const float denominator = std::sqrt(v[i]) * a.correction2 + a.eps;
    float change = s.lr * (m[i] * a.correction1) / denominator;
    if (a.decoupled) change += s.lr * s.weight_decay * p[i];
    p[i] -= limited(change, s.max_step);
  }
}

}  // namespace

OptimizerKind optimizer_of(const std::string& name) { return choice_of("--opt", kOptimizers, name); }

Optimizer::Optimizer(ParameterStore& store, OptimizerConfig config) : store_(store), config_(config) {
  const auto add = [&](const char* name) {
    states_.push_back({name, Tensor::zeros(store.values().shape())});
  };
  if (config.kind == OptimizerKind::sgd) {
    add("momentum");
  } else {
    add("exp_avg");
    add("exp_avg_sq");
  }
}

double Optimizer::gradient_norm() const {
  const Tensor& gradients = store_.gradients();
  const float* g = gradients.data<float>();
  return std::sqrt(parallel_sum<double>(gradients.numel(), kElementwiseGrain, [=](auto begin, auto end) {
    // Four running sums let the compiler vectorise without reordering a single sum.
    double sums[4] = {0, 0, 0, 0};
    std::int64_t i = begin;
    for (; i + 4 <= end; i += 4) {
      for (int k = 0; k < 4; ++k) sums[k] += static_cast<double>(g[i + k]) * static_cast<double>(g[i + k]);
    }
    for (; i < end; ++i) sums[0] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }));
}

void Optimizer::step(double lr, double norm) {
  ++updates_;
  const bool clips = config_.clip_grad > 0 && norm > config_.clip_grad;
  const double t = static_cast<double>(updates_);
  const AdamStep adam{static_cast<float>(config_.beta1),
                      static_cast<float>(config_.beta2),
                      static_cast<float>(config_.eps),
                      static_cast<float>(1 / (1 - std::pow(config_.beta1, t))),
                      static_cast<float>(std::sqrt(1 / (1 - std::pow(config_.beta2, t)))),
                      config_.kind == OptimizerKind::adamw};
  float* p = store_.values().data<float>();
  const float* g = store_.gradients().data<float>();
  float* first = states_[0].values.data<float>();
  float* second = states_.back().values.data<float>();
  for (const ParameterRange& range : store_.ranges()) {
    const bool coefficients = range.group == ParameterGroup::coefficients;
    const bool decays = range.group == ParameterGroup::weights || (config_.decay_all && !coefficients);
    const RangeStep s{static_cast<float>(coefficients ? lr * config_.coefficient_lr_scale : lr),
                      static_cast<float>(decays ? config_.weight_decay : 0),
                      static_cast<float>(clips ? config_.clip_grad / norm : 1),
                      static_cast<float>(coefficients ? config_.coefficient_max_step : 0)};
    parallel_for(range.end - range.begin, kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t at = range.begin + begin, n = end - begin;
      if (config_.kind == OptimizerKind::sgd) {
        sgd_range(n, p + at, g + at, first + at, s, static_cast<float>(config_.momentum), config_.nesterov);
      } else {
        adam_range(n, p + at, g + at, first + at, second + at, s, adam);
      }
    });
  }
}

Ema::Ema(ParameterStore& store, double decay)
    : store_(store), decay_(decay), values_(store.values().clone()) {
  for (const Buffer& b : store.buffers()) buffers_.push_back(b.value.clone());
}

void Ema::update() {
  const float keep = static_cast<float>(decay_), take = static_cast<float>(1 - decay_);
  const auto blend = [=](Tensor& average, const Tensor& value) {
    float* a = average.data<float>();
    const float* v = value.data<float>();
    parallel_for(average.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) a[i] = keep * a[i] + take * v[i];
    });
  };
  blend(values_, store_.values());
  for (std::size_t i = 0; i < buffers_.size(); ++i) blend(buffers_[i], store_.buffers()[i].value);
}

void Ema::swap() {
  const auto exchange = [](Tensor& a, Tensor& b) {
    std::swap_ranges(a.data<float>(), a.data<float>() + a.numel(), b.data<float>());
  };
  exchange(values_, store_.values());
  for (std::size_t i = 0; i < buffers_.size(); ++i) exchange(buffers_[i], store_.buffers()[i].value);
}

}  // namespace salu
