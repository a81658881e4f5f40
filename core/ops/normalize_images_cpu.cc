// SPDX-License-Identifier: MIT
#include "core/ops/normalize_images.h"
#include "core/parallel.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const PixelScale& scale) {
  dispatch_float("normalize_images", y.dtype(), [&]<class T>() {
    const std::uint8_t* from = x.data<std::uint8_t>();
    T* to = y.data<T>();
    parallel_for(x.numel() / 3, kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        for (int c = 0; c < 3; ++c) {
          to[3 * i + c] =
              static_cast<T>(static_cast<float>(from[3 * i + c]) * scale.factor[c] - scale.offset[c]);
        }
      }
    });
  });
}

}  // namespace

constinit NormalizeImagesKernels normalize_images_kernels{{"normalize_images", forward}};

}  // namespace salu
