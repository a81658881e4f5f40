// SPDX-License-Identifier: MIT
#include <cmath>

#include "core/ops/batch_inputs.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/places.cuh"

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

void normalize_images(Tensor& y, const Tensor& x, const PixelScale& scale) {
  dispatch_activation("normalize_images", y.dtype(), [&]<class T>() {
    map_index<T>(y, Scaled{x.data<std::uint8_t>(), scale});
  });
}

struct Target {
  float* targets;
  const std::int64_t* labels;
  std::int64_t classes;
  float right, wrong;
  __device__ void operator()(std::int64_t b, std::int64_t c) const {
    const std::int64_t label = labels[b];
    const bool known = label >= 0 && label < classes;
    targets[b * classes + c] = !known ? NAN : c == label ? right : wrong;
  }
};

void fill_targets(Tensor& targets, const Tensor& labels, float right, float wrong) {
  each_place(targets.dim(0), targets.dim(1),
             Target{targets.data<float>(), labels.data<std::int64_t>(), targets.dim(1), right, wrong});
}

}  // namespace

void register_batch_inputs() {
  normalize_images_kernels.forward.set(DeviceType::cuda, normalize_images);
  targets_kernels.fill.set(DeviceType::cuda, fill_targets);
}

}  // namespace salu::cuda
