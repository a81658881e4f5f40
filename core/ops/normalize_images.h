// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "core/kernel.h"
#include "core/tensor.h"

namespace salu {

/// Bytes of pictures to network input.
/// Forward:  y[n,h,w,c] = x[n,h,w,c] / (255 std_c) - mean_c / std_c
/// Backward: none: pictures take no gradient
/// Shapes:   x (N,H,W,3) u8, y alike, of the given dtype
/// Saved:    nothing
/// Grad:     -
/// Ref:      torchvision's ToTensor and Normalize in one
Tensor normalize_images(const Tensor& x, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                        DType dtype = DType::f32);

/// factor and offset of each channel: y = factor x - offset.
struct PixelScale {
  float factor[3], offset[3];
};

struct NormalizeImagesKernels {
  Kernel<void(Tensor& y, const Tensor& x, const PixelScale& scale)> forward;
};
extern NormalizeImagesKernels normalize_images_kernels;

}  // namespace salu
