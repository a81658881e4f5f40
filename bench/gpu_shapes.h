// SPDX-License-Identifier: MIT
/// The convolutions and matrix products of the networks, as shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ops/conv2d.h"

namespace salu::bench {

struct ConvolutionShape {
  Shape x, w;
  Conv2dOptions options;

  Shape y() const { return conv2d_output_shape(x, w, options); }
  /// The same for each of the three passes.
  double flops() const { return 2.0 * static_cast<double>(y().numel() * w.numel() / w[0]); }
  /// In bf16: each pass reads or writes input, output and filter once.
  double bytes() const { return 2.0 * static_cast<double>(x.numel() + y().numel() + w.numel()); }
  bool is_stem() const { return x[3] == 3; }  ///< its input, the image, needs no gradient
  std::string name() const;                   ///< "3x3 64->128 s2 @32"
};

/// All convolutions in order; a ResNet-18 (basic blocks) or a ResNet-50 (bottlenecks).
std::vector<ConvolutionShape> resnet_convolutions(bool bottleneck, std::int64_t batch, std::int64_t img_size);
/// Each different convolution of the list once.
std::vector<ConvolutionShape> without_repeats(const std::vector<ConvolutionShape>& all);

/// y (M,N) = x (M,K) w (N,K)^T.
struct ProductShape {
  std::int64_t m, n, k;
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
  double bytes() const { return 2.0 * static_cast<double>(m * n + m * k + n * k); }
};
/// The linear layers of salunet_t on 32x32 images, in order.
std::vector<ProductShape> vit_products(std::int64_t batch);

}  // namespace salu::bench
