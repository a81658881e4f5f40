// SPDX-License-Identifier: MIT
/// Ops that turn the bytes and labels of a batch into input and targets of a network. They have no gradient.
#pragma once

#include <array>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Image bytes to network input: y[n,h,w,c] = x[n,h,w,c] / (255 std_c) - mean_c / std_c, as torchvision's
/// ToTensor and Normalize do in two steps. x (N,H,W,3) u8, y alike, of the given dtype.
Tensor normalize_images(const Tensor& x, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                        DType dtype = DType::f32);

/// y = factor_c x - offset_c
struct PixelScale {
  float factor[3], offset[3];
};
struct NormalizeImagesKernels {
  Kernel<void(Tensor& y, const Tensor& x, const PixelScale& scale)> forward;
};
extern NormalizeImagesKernels normalize_images_kernels;

/// How label smoothing distributes the probability `smoothing`.
enum class SmoothingKind {
  uniform,        ///< over all K classes: the true class gets 1 - smoothing + smoothing/K (PyTorch)
  wrong_classes,  ///< over the K-1 wrong classes: the true class gets 1 - smoothing
};

/// Labels (B) i64 -> targets (B,K) f32 on the same device; each row sums to 1. Throws ErrorCode::internal
/// unless 0 <= smoothing < 1 and K leaves a class for it. A label outside 0..K-1 throws ErrorCode::data on
/// the CPU. On a GPU, which nobody waits for, its row becomes NaN instead, and so does the loss. Ref: Szegedy
/// et al. 2016, arXiv 1512.00567, section 7
Tensor smoothed_targets(const Tensor& labels, std::int64_t classes, double smoothing, SmoothingKind kind);
/// 1 where a target is above the threshold, else 0; on the CPU.
void threshold_targets(Tensor& targets, double threshold);

struct TargetsKernels {
  /// Row b becomes `right` at label b and `wrong` elsewhere.
  Kernel<void(Tensor& targets, const Tensor& labels, float right, float wrong)> fill;
};
extern TargetsKernels targets_kernels;

}  // namespace salu
