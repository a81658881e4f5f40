// SPDX-License-Identifier: MIT
/// An optimizer step on the flat buffers, on the device that holds them: norm of the gradients, clipping, the
/// optimizer, moving average, bf16 copy.
///
/// Everything that changes from step to step lives in a control tensor on the device: a step needs no answer
/// from the device, and a recorded one can be replayed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/kernel.h"
#include "core/ops/optimizer_step_math.h"
#include "core/tensor.h"

namespace salu {

/// A contiguous part of the flat buffers with one set of hyperparameters.
struct UpdateRange {
  std::int64_t begin, end;
  float lr_scale, weight_decay, max_step;  ///< max_step: largest change of one number; 0: no limit
  bool trusts;                             ///< has its own trust ratio (LAMB, LARS)
};

/// Division of a step into tiles. Made once, on the device of the buffers, and used by every step.
struct UpdatePlan {
  Tensor tiles;        ///< UpdateTile, as bytes
  Tensor trust_tiles;  ///< (S,2) i64: [begin, end) of the tiles of each trust ratio
  Tensor sums;         ///< (tiles,2) f64: each tile's part of the two squared norms of its trust ratio
  Tensor ratios;       ///< (S) f32
  Tensor units;  ///< (U,2) i64: [begin, end) of the units (rows) that agc clips; undefined in other modes

  std::int64_t tile_count() const { return tiles.numel() / static_cast<std::int64_t>(sizeof(UpdateTile)); }
  const UpdateTile* tile_data() const { return static_cast<const UpdateTile*>(tiles.raw()); }
};
/// Every range with `trusts` gets its own trust ratio.
UpdatePlan make_update_plan(const std::vector<UpdateRange>& ranges, Device device);

/// Flat f32 buffers with one layout.
struct UpdateBuffers {
  Tensor values, gradients;
  Tensor first, second;  ///< momentum, or Adam's two moments; `second` is undefined for SGD
  Tensor ema;            ///< undefined: no moving average
  Tensor shadow;         ///< bf16 copy of values; undefined: none
};

/// control[norm] = L2 norm of the gradients, summed in double in a fixed order; control[loss] = loss (1).
void measure_step(Tensor& control, const Tensor& gradients, const Tensor& loss);
/// Decides from loss and norm whether the step applies, then applies it. agc clips the gradients in place.
void update_parameters(UpdateBuffers& buffers, Tensor& control, UpdatePlan& plan,
                       const UpdateOptions& options);
/// If the step applied: average = keep average + (1 - keep) value, keep = control[ema_keep]. For running
/// statistics.
void blend(Tensor& average, const Tensor& value, const Tensor& control);
/// values = before, if the step was skipped.
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
