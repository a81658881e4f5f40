// SPDX-License-Identifier: MIT
/// The optimizers: their options, the control tensor, and the arithmetic of a step, once for the CPU and for
/// CUDA.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace salu {

enum class OptimizerKind {
  sgd,    ///< PyTorch's SGD: v = m v + g, step v, or g + m v with Nesterov; weight decay added to g
  adam,   ///< Adam with L2: weight decay added to g
  adamw,  ///< decoupled weight decay (Loshchilov & Hutter 2019)
  lamb,   ///< AdamW with the step scaled to the norm of the parameter (You et al., arXiv 1904.00962)
  lars,   ///< SGD with g scaled to the norm of the parameter (You et al., arXiv 1708.03888)
};
constexpr bool has_trust_ratios(OptimizerKind kind) {
  return kind == OptimizerKind::lamb || kind == OptimizerKind::lars;
}

enum class ClipMode {
  norm,   ///< scales all gradients by one factor: their global norm is at most clip_grad
  value,  ///< clamps each number to -clip_grad .. clip_grad
  agc,    ///< clips each unit to clip_grad times the norm of its weights (Brock et al., arXiv 2102.06171)
};

/// Slots of the control tensor, f64.
enum class Control : int {
  lr,       ///< in: learning rate of this step
  loss,     ///< out: loss of this step
  norm,     ///< out: L2 norm of all gradients, before clipping
  updates,  ///< in and out: steps taken, Adam's t; a skipped step does not count
  applied,  ///< out: 1, or 0 when loss or norm is not finite (kMaxNorm); then only `loss` and `norm` change
  gradient_scale,  ///< out: min(1, clip_grad / norm)
  correction1,     ///< out: 1 / (1 - beta1^t)
  correction2,     ///< out: sqrt(1 / (1 - beta2^t))
  ema_updates,     ///< in and out: `updates` of the moving averages
  ema_keep,        ///< out: decay of the moving averages in this step
  count
};
inline constexpr std::int64_t kControlSlots = static_cast<std::int64_t>(Control::count);

/// The part of a range that one block of threads updates.
struct UpdateTile {
  std::int64_t begin, end;
  float lr_scale, weight_decay, max_step;
  std::int32_t trust;  ///< index of the trust ratio; -1: none
};
inline constexpr std::int64_t kTileSize = 4096;

struct UpdateOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  ClipMode clip_mode = ClipMode::norm;
  double clip_grad = 0;  ///< 0: no clipping
  double ema_decay = 0;
  bool ema_warmup = false;  ///< decay is at most 1 - t^(-2/3) in step t = ema_updates: the first step copies
};

inline constexpr float kLarsTrust = 0.001f;    ///< LARS: a step's norm as a share of the parameter's norm
inline constexpr float kAgcLeastNorm = 1e-3f;  ///< agc: least weight norm, so that zero weights can move

/// Scalars that every element of a step needs.
struct StepFactors {
  float lr, gradient_scale, largest_gradient, correction1, correction2, beta1, beta2, eps, momentum;
  float ema_keep, ema_take;
  bool nesterov;
};

/// Calls `body.template operator()<kind>()`.
template <class Body>
void with_kind(OptimizerKind kind, Body&& body) {
  switch (kind) {
    case OptimizerKind::sgd:
      return body.template operator()<OptimizerKind::sgd>();
    case OptimizerKind::adam:
      return body.template operator()<OptimizerKind::adam>();
    case OptimizerKind::adamw:
      return body.template operator()<OptimizerKind::adamw>();
    case OptimizerKind::lamb:
      return body.template operator()<OptimizerKind::lamb>();
    case OptimizerKind::lars:
      return body.template operator()<OptimizerKind::lars>();
  }
}

SALU_HOST_DEVICE inline double& slot(double* control, Control c) { return control[static_cast<int>(c)]; }
SALU_HOST_DEVICE inline double slot(const double* control, Control c) { return control[static_cast<int>(c)]; }

/// Largest gradient norm that counts as finite. Above it the squares overflow f32: in a GPU's norm, and in
/// Adam's second moment, where infinity would freeze the weight.
inline constexpr double kMaxNorm = 1.8e19;

/// Fills in applied, updates, gradient_scale, the corrections, ema_updates and ema_keep.
SALU_HOST_DEVICE inline void prepare_step(double* control, const UpdateOptions& o) {
  const double norm = slot(control, Control::norm);
  const bool applies = std::isfinite(slot(control, Control::loss)) && norm <= kMaxNorm;  // false for NaN, too
  slot(control, Control::applied) = applies ? 1 : 0;
  if (!applies) return;
  const double t = slot(control, Control::updates) += 1;
  const bool clips = o.clip_mode == ClipMode::norm && o.clip_grad > 0 && norm > o.clip_grad;
  slot(control, Control::gradient_scale) = clips ? o.clip_grad / norm : 1;
  slot(control, Control::correction1) = 1 / (1 - std::pow(o.beta1, t));
  slot(control, Control::correction2) = std::sqrt(1 / (1 - std::pow(o.beta2, t)));
  const double seen = slot(control, Control::ema_updates) += 1;
  const double most = o.ema_warmup ? 1 - std::pow(seen, -2.0 / 3) : 1;
  slot(control, Control::ema_keep) = most < o.ema_decay ? most : o.ema_decay;
}

SALU_HOST_DEVICE inline StepFactors factors_of(const double* control, const UpdateOptions& o) {
  StepFactors f;
  f.lr = static_cast<float>(slot(control, Control::lr));
  f.gradient_scale = static_cast<float>(slot(control, Control::gradient_scale));
  f.largest_gradient = o.clip_mode == ClipMode::value ? static_cast<float>(o.clip_grad) : 0;
  f.correction1 = static_cast<float>(slot(control, Control::correction1));
  f.correction2 = static_cast<float>(slot(control, Control::correction2));
  f.beta1 = static_cast<float>(o.beta1);
  f.beta2 = static_cast<float>(o.beta2);
  f.eps = static_cast<float>(o.eps);
  f.momentum = static_cast<float>(o.momentum);
  f.ema_keep = static_cast<float>(slot(control, Control::ema_keep));
  f.ema_take = static_cast<float>(1 - slot(control, Control::ema_keep));
  f.nesterov = o.nesterov;
  return f;
}

/// `x` clamped to -most .. most; most = 0 means no limit.
SALU_HOST_DEVICE inline float limited(float x, float most) {
  if (most == 0) return x;
  return x > most ? most : x < -most ? -most : x;
}
SALU_HOST_DEVICE inline float clipped(float g, const StepFactors& f) {
  return limited(g * f.gradient_scale, f.largest_gradient);
}

/// Updates Adam's moments with a gradient.
SALU_HOST_DEVICE inline void move_moments(float gradient, float& m, float& v, const StepFactors& f) {
  m = f.beta1 * m + (1 - f.beta1) * gradient;
  v = f.beta2 * v + (1 - f.beta2) * gradient * gradient;
}
/// Step direction m / (sqrt(v) + eps), plus weight_decay p for AdamW and LAMB. Adam adds its decay to the
/// gradient instead.
template <OptimizerKind kind>
SALU_HOST_DEVICE inline float adam_direction(float p, float m, float v, const StepFactors& f,
                                             float weight_decay) {
  const float direction = m * f.correction1 / (std::sqrt(v) * f.correction2 + f.eps);
  return kind == OptimizerKind::adam ? direction : direction + weight_decay * p;
}

/// One element of the vector that the trust ratio compares with the parameter: LAMB's step or LARS's
/// gradient. LAMB's moments advance here.
template <OptimizerKind kind>
SALU_HOST_DEVICE inline float trust_term(float p, float g, float& m, float& v, const StepFactors& f,
                                         const UpdateTile& tile) {
  if constexpr (kind == OptimizerKind::lars) {
    return clipped(g, f);
  } else {
    move_moments(clipped(g, f), m, v, f);
    return adam_direction<kind>(p, m, v, f, tile.weight_decay);
  }
}
/// The trust ratio from the norms of the parameter and of trust_term's vector.
template <OptimizerKind kind>
SALU_HOST_DEVICE inline float trust_ratio(double length, double other, const StepFactors& f,
                                          float weight_decay) {
  if (length == 0 || other == 0) return 1;
  if constexpr (kind == OptimizerKind::lamb) {
    return static_cast<float>(length / other);
  } else {
    return static_cast<float>(kLarsTrust * length / (other + weight_decay * length + f.eps));
  }
}

/// p after the step. m is the momentum; for Adam's family, m and v are the moments. LAMB's moments have
/// advanced in trust_term.
template <OptimizerKind kind>
SALU_HOST_DEVICE inline float stepped(float p, float g, float& m, float& v, const StepFactors& f,
                                      const UpdateTile& tile, float trust) {
  const float lr = f.lr * tile.lr_scale;
  if constexpr (kind == OptimizerKind::sgd || kind == OptimizerKind::lars) {
    const float gradient = trust * (clipped(g, f) + tile.weight_decay * p);
    m = f.momentum * m + gradient;
    return p - limited(lr * (f.nesterov ? gradient + f.momentum * m : m), tile.max_step);
  } else {
    if constexpr (kind == OptimizerKind::adam) move_moments(clipped(g, f) + tile.weight_decay * p, m, v, f);
    if constexpr (kind == OptimizerKind::adamw) move_moments(clipped(g, f), m, v, f);
    return p - limited(lr * trust * adam_direction<kind>(p, m, v, f, tile.weight_decay), tile.max_step);
  }
}

/// The factor by which agc scales the gradients of a unit.
SALU_HOST_DEVICE inline float agc_factor(double weight_squares, double gradient_squares, double clip) {
  const double length = std::sqrt(weight_squares), least = static_cast<double>(kAgcLeastNorm);
  const double most = clip * (length > least ? length : least), norm = std::sqrt(gradient_squares);
  return norm > most ? static_cast<float>(most / norm) : 1.0f;
}

}  // namespace salu
