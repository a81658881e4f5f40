// SPDX-License-Identifier: MIT
/// What an optimizer step does to the flat buffers, on the device that holds them: norm of the gradients,
/// clipping, the optimizer, moving average, bf16 copy.
///
/// Everything that changes from step to step lives in a control tensor on the device: a step needs no answer
/// from the device, and a recorded one can be replayed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

enum class OptimizerKind {
  sgd,    ///< PyTorch's SGD: v = m v + g, step v, or g + m v with Nesterov; weight decay added to g
  adam,   ///< Adam with L2: weight decay added to g
  adamw,  ///< decoupled weight decay (Loshchilov & Hutter 2019)
  lamb,   ///< AdamW, its step scaled to the length of the parameter it moves (You et al., arXiv 1904.00962)
  lars,   ///< SGD, g scaled likewise (You et al., arXiv 1708.03888)
};
constexpr bool has_trust_ratios(OptimizerKind kind) {
  return kind == OptimizerKind::lamb || kind == OptimizerKind::lars;
}

enum class ClipMode {
  norm,   ///< all gradients by one factor, so that their global norm is at most clip_grad
  value,  ///< each number to -clip_grad .. clip_grad
  agc,    ///< each unit to clip_grad times the norm of its weights (Brock et al., arXiv 2102.06171)
};

/// Slots of the control tensor, f64.
enum class Control : int {
  lr,       ///< in: learning rate of this step
  loss,     ///< out: loss of this step
  norm,     ///< out: L2 norm of all gradients, before clipping
  updates,  ///< in and out: steps taken, Adam's t; a skipped step does not count
  applied,  ///< out: 1, or 0 when loss or norm is not finite (kMaxNorm): then only `loss` and `norm` change
  gradient_scale,  ///< out: clip_grad / norm where that is below 1
  correction1,     ///< out: 1 / (1 - beta1^t)
  correction2,     ///< out: sqrt(1 / (1 - beta2^t))
  ema_updates,     ///< in and out: steps that moving averages have seen, likewise
  ema_keep,        ///< out: share that moving averages keep in this step
  count
};
inline constexpr std::int64_t kControlSlots = static_cast<std::int64_t>(Control::count);

/// A contiguous part of the flat buffers whose numbers are treated alike.
struct UpdateRange {
  std::int64_t begin, end;
  float lr_scale, weight_decay, max_step;  ///< max_step: largest change of one number; 0: no limit
  bool trusts;                             ///< has a trust ratio of its own
};

/// A part of a range that one block of threads takes.
struct UpdateTile {
  std::int64_t begin, end;
  float lr_scale, weight_decay, max_step;
  std::int32_t trust;  ///< which trust ratio; -1: none
};
inline constexpr std::int64_t kTileSize = 4096;

/// The work of a step, the same for every step, where the buffers are.
struct UpdatePlan {
  Tensor tiles;        ///< UpdateTile, as bytes
  Tensor trust_tiles;  ///< (S,2) i64: first tile of a trust ratio, and the one behind its last
  Tensor sums;         ///< (tiles,2) f64: what the tiles add to the norms behind the trust ratios
  Tensor ratios;       ///< (S) f32
  Tensor units;        ///< (U,2) i64: begin and end of the rows that agc clips; undefined in other modes

  std::int64_t tile_count() const { return tiles.numel() / static_cast<std::int64_t>(sizeof(UpdateTile)); }
  const UpdateTile* tile_data() const { return static_cast<const UpdateTile*>(tiles.raw()); }
};
/// The trust ratios are those of the ranges with `trusts`.
UpdatePlan make_update_plan(const std::vector<UpdateRange>& ranges, Device device);

struct UpdateOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  ClipMode clip_mode = ClipMode::norm;
  double clip_grad = 0;  ///< 0: no clipping
  double ema_decay = 0;
  bool ema_warmup = false;  ///< keep at most 1 - t^(-2/3) in its step t (ema_updates): the first one copies
};

/// Flat, f32, laid out alike.
struct UpdateBuffers {
  Tensor values, gradients;
  Tensor first, second;  ///< momentum, or Adam's two moments; `second` is undefined for SGD
  Tensor ema;            ///< undefined: no moving average
  Tensor shadow;         ///< bf16 copy of values; undefined: none
};

/// control[norm] = L2 norm of the gradients, summed in double in a fixed order; control[loss] = loss (1).
void measure_step(Tensor& control, const Tensor& gradients, const Tensor& loss);
/// Decides from loss and norm whether the step applies, and applies it. agc clips the gradients in place.
void update_parameters(UpdateBuffers& buffers, Tensor& control, UpdatePlan& plan,
                       const UpdateOptions& options);
/// average = keep average + (1 - keep) value with control[ema_keep], if the step applied: running statistics.
void blend(Tensor& average, const Tensor& value, const Tensor& control);
/// values = before, unless the step applied.
void take_back(Tensor& values, const Tensor& before, const Tensor& control);
void swap_values(Tensor& a, Tensor& b);

struct UpdateKernels {
  Kernel<void(Tensor& control, const Tensor& gradients, const Tensor& loss)> measure;
  Kernel<void(UpdateBuffers& buffers, Tensor& control, UpdatePlan& plan, const UpdateOptions& options)>
      update;
  Kernel<void(Tensor& average, const Tensor& value, const Tensor& control)> blend;
  Kernel<void(Tensor& values, const Tensor& before, const Tensor& control)> take_back;
  Kernel<void(Tensor& a, Tensor& b)> swap;
};
extern UpdateKernels update_kernels;

}  // namespace salu
