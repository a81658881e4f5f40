// SPDX-License-Identifier: MIT
#include "core/ops/batch_inputs.h"

#include <algorithm>

#include "core/parallel.h"

namespace salu {
namespace {

void normalize_images_cpu(Tensor& y, const Tensor& x, const PixelScale& scale) {
  dispatch_elements("normalize_images", y.dtype(), [&]<class T>() {
    const std::uint8_t* from = x.data<std::uint8_t>();
    T* to = y.data<T>();
    parallel_for(x.numel() / 3, kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        for (int c = 0; c < 3; ++c) {
          to[3 * i + c] = T(static_cast<float>(from[3 * i + c]) * scale.factor[c] - scale.offset[c]);
        }
      }
    });
  });
}

void fill_targets_cpu(Tensor& targets, const Tensor& labels, float right, float wrong) {
  const std::int64_t classes = targets.dim(1);
  const std::int64_t* label = labels.data<std::int64_t>();
  float* out = targets.data<float>();
  std::fill_n(out, targets.numel(), wrong);
  for (std::int64_t b = 0; b < labels.dim(0); ++b) {
    if (label[b] < 0 || label[b] >= classes) {
      fail(ErrorCode::data, "[targets] expected labels in 0..{}, got {} at {}", classes - 1, label[b], b);
    }
    out[b * classes + label[b]] = right;
  }
}

}  // namespace

constinit NormalizeImagesKernels normalize_images_kernels{{"normalize_images", normalize_images_cpu}};
constinit TargetsKernels targets_kernels{{"targets", fill_targets_cpu}};

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

Tensor smoothed_targets(const Tensor& labels, std::int64_t classes, double smoothing, SmoothingKind kind) {
  check(labels.shape().rank() == 1, "[targets] expected labels (B), got {}", labels.shape().str());
  check(classes >= 1, "[targets] expected at least one class, got {}", classes);
  check(smoothing >= 0 && smoothing < 1, "[targets] expected smoothing in [0,1), got {}", smoothing);
  const bool uniform = kind == SmoothingKind::uniform;
  const std::int64_t sharers = uniform ? classes : classes - 1;  // classes that share `smoothing`
  check(sharers > 0 || smoothing == 0, "[targets] expected 2 classes or more for smoothing {}, got 1",
        smoothing);
  const double share = sharers > 0 ? smoothing / static_cast<double>(sharers) : 0;
  Tensor targets = Tensor::empty({labels.dim(0), classes}, DType::f32, labels.device());
  targets_kernels.fill(labels.device(), targets, labels,
                       static_cast<float>(1 - smoothing + (uniform ? share : 0)), static_cast<float>(share));
  return targets;
}

void threshold_targets(Tensor& targets, double threshold) {
  float* t = targets.data<float>();
  std::transform(t, t + targets.numel(), t,
                 [=](float x) { return static_cast<double>(x) > threshold ? 1.0f : 0.0f; });
}

}  // namespace salu
