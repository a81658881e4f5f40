// SPDX-License-Identifier: MIT
#include "core/ops/normalize_images.h"
#include "cuda/kernels/elementwise.cuh"

namespace salu::cuda {
namespace {

struct Scaled {
  const std::uint8_t* x;
  PixelScale scale;
  __device__ float operator()(std::int64_t i) const {
    const int c = static_cast<int>(i % 3);
    return static_cast<float>(x[i]) * scale.factor[c] - scale.offset[c];
  }
};

void forward(Tensor& y, const Tensor& x, const PixelScale& scale) {
  dispatch_activation("normalize_images", y.dtype(), [&]<class T>() {
    map_index<T>(y, Scaled{x.data<std::uint8_t>(), scale});
  });
}

}  // namespace

void register_normalize_images() { normalize_images_kernels.forward.set(DeviceType::cuda, forward); }

}  // namespace salu::cuda
