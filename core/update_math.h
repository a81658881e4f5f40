// SPDX-License-Identifier: MIT
/// The arithmetic of an optimizer step, once, for CPU and kernels.
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/update.h"

namespace salu {

/// The control tensor read once: what every element of a step needs.
struct StepFactors {
  float lr, gradient_scale, correction1, correction2;
};

SALU_HOST_DEVICE inline double& slot(double* control, Control c) { return control[static_cast<int>(c)]; }
SALU_HOST_DEVICE inline double slot(const double* control, Control c) { return control[static_cast<int>(c)]; }

/// Fills in applied, updates, gradient_scale and the corrections.
SALU_HOST_DEVICE inline void prepare_step(double* control, const UpdateOptions& o) {
  const double norm = slot(control, Control::norm);
  const bool applies = std::isfinite(slot(control, Control::loss)) && std::isfinite(norm);
  slot(control, Control::applied) = applies ? 1 : 0;
  if (!applies) return;
  const double t = slot(control, Control::updates) += 1;
  slot(control, Control::gradient_scale) = o.clip_grad > 0 && norm > o.clip_grad ? o.clip_grad / norm : 1;
  slot(control, Control::correction1) = 1 / (1 - std::pow(o.beta1, t));
  slot(control, Control::correction2) = std::sqrt(1 / (1 - std::pow(o.beta2, t)));
}

SALU_HOST_DEVICE inline StepFactors factors_of(const double* control) {
  return {static_cast<float>(slot(control, Control::lr)),
          static_cast<float>(slot(control, Control::gradient_scale)),
          static_cast<float>(slot(control, Control::correction1)),
          static_cast<float>(slot(control, Control::correction2))};
}

SALU_HOST_DEVICE inline float limited(float change, float most) {
  if (most == 0) return change;
  return change > most ? most : change < -most ? -most : change;
}

/// p after one step of SGD; v is its momentum.
SALU_HOST_DEVICE inline float sgd_step(float p, float g, float& v, const StepFactors& f, const UpdateRange& r,
                                       float momentum, bool nesterov) {
  const float gradient = g * f.gradient_scale + r.weight_decay * p;
  v = momentum * v + gradient;
  const float direction = nesterov ? gradient + momentum * v : v;
  return p - limited(f.lr * r.lr_scale * direction, r.max_step);
}

/// p after one step of Adam; m and v are its moments.
SALU_HOST_DEVICE inline float adam_step(float p, float g, float& m, float& v, const StepFactors& f,
                                        const UpdateRange& r, float beta1, float beta2, float eps,
                                        bool decoupled) {
  const float lr = f.lr * r.lr_scale;
  const float gradient = g * f.gradient_scale + (decoupled ? 0.0f : r.weight_decay * p);
  m = beta1 * m + (1 - beta1) * gradient;
  v = beta2 * v + (1 - beta2) * gradient * gradient;
  const float denominator = std::sqrt(v) * f.correction2 + eps;
  float change = lr * (m * f.correction1) / denominator;
  if (decoupled) change += lr * r.weight_decay * p;
  return p - limited(change, r.max_step);
}

}  // namespace salu
