// SPDX-License-Identifier: MIT
/// Targets of the loss from class labels.
#pragma once

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Where label smoothing puts the probability `smoothing`.
enum class SmoothingKind {
  uniform,        ///< on all K classes alike: true class 1 - smoothing + smoothing/K (PyTorch)
  wrong_classes,  ///< on the K-1 wrong ones: true class 1 - smoothing
};

/// Labels (B) i64 -> targets (B,K) f32 on the same device; each row sums to 1. Throws ErrorCode::internal
/// unless 0 <= smoothing < 1 and there is a class to put it on. A label outside 0..K-1 throws ErrorCode::data
/// on the CPU; a GPU, which nobody waits for, fills its row with NaN, and the loss becomes NaN.
/// Ref: Szegedy et al. 2016, arXiv 1512.00567, section 7
Tensor smoothed_targets(const Tensor& labels, std::int64_t classes, double smoothing, SmoothingKind kind);

/// 1 where a target is above the threshold, else 0; on the CPU.
void threshold_targets(Tensor& targets, double threshold);

/// Row b becomes `right` at label b and `wrong` elsewhere.
extern Kernel<void(Tensor& targets, const Tensor& labels, float right, float wrong)> targets_kernel;

}  // namespace salu
