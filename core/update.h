// SPDX-License-Identifier: MIT
/// What an optimizer step does to the flat buffers, on the device that holds them: norm of the gradients,
/// clipping, SGD or Adam, moving average, bf16 copy.
///
/// Everything that changes from step to step lives in a control tensor on the device: a step needs no answer
/// from the device, and a recorded one can be replayed.
#pragma once

#include <cstdint>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

enum class OptimizerKind {
  sgd,    ///< PyTorch's SGD: v = m v + g, step v, or g + m v with Nesterov; weight decay added to g
  adam,   ///< Adam with L2: weight decay added to g
  adamw,  ///< decoupled weight decay (Loshchilov & Hutter 2019)
};

/// Slots of the control tensor, f64.
enum class Control : int {
  lr,       ///< in: learning rate of this step
  loss,     ///< out: loss of this step
  norm,     ///< out: L2 norm of all gradients
  updates,  ///< in and out: steps taken, Adam's t; a skipped step does not count
  applied,  ///< out: 1, or 0 when loss or norm is not finite: then nothing but `loss` and `norm` changes
  gradient_scale,  ///< out: clip_grad / norm where that is below 1
  correction1,     ///< out: 1 / (1 - beta1^t)
  correction2,     ///< out: sqrt(1 / (1 - beta2^t))
  count
};
inline constexpr std::int64_t kControlSlots = static_cast<std::int64_t>(Control::count);

/// A contiguous part of the flat buffers whose parameters are treated alike.
struct UpdateRange {
  std::int64_t begin, end;
  float lr_scale, weight_decay, max_step;  ///< max_step: largest change of one number; 0: no limit
};
inline constexpr int kMostRanges = 4;

struct UpdateOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip_grad = 0;  ///< largest global norm; 0: no clipping
  double ema_decay = 0;
  UpdateRange ranges[kMostRanges]{};
  int range_count = 0;
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
/// Decides from loss and norm whether the step applies, and applies it.
void update_parameters(UpdateBuffers& buffers, Tensor& control, const UpdateOptions& options);
/// average = keep average + (1 - keep) value, if the step applied: running statistics.
void blend(Tensor& average, const Tensor& value, double keep, const Tensor& control);
void swap_values(Tensor& a, Tensor& b);

struct UpdateKernels {
  Kernel<void(Tensor& control, const Tensor& gradients, const Tensor& loss)> measure;
  Kernel<void(UpdateBuffers& buffers, Tensor& control, const UpdateOptions& options)> update;
  Kernel<void(Tensor& average, const Tensor& value, double keep, const Tensor& control)> blend;
  Kernel<void(Tensor& a, Tensor& b)> swap;
};
extern UpdateKernels update_kernels;

}  // namespace salu
