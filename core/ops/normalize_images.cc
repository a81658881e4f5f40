// SPDX-License-Identifier: MIT
#include "core/ops/normalize_images.h"

namespace salu {

Tensor normalize_images(const Tensor& x, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                        DType dtype) {
  check(x.shape().rank() == 4 && x.dim(3) == 3 && x.dtype() == DType::u8,
        "[normalize_images] expected x (N,H,W,3) u8, got {} {}", x.shape().str(), dtype_name(x.dtype()));
  PixelScale scale;
  for (std::size_t c = 0; c < 3; ++c) {
    check(std[c] > 0, "[normalize_images] expected std > 0, got {} for channel {}", std[c], c);
    scale.factor[c] = 1 / (255 * std[c]);
    scale.offset[c] = mean[c] / std[c];
  }
  Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  normalize_images_kernels.forward(x.device(), y, x, scale);
  return y;
}

}  // namespace salu
