// SPDX-License-Identifier: MIT
#include "core/ops/targets.h"

#include <algorithm>

namespace salu {
namespace {

void fill_targets(Tensor& targets, const Tensor& labels, float right, float wrong) {
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
  targets_kernel(labels.device(), targets, labels, static_cast<float>(1 - smoothing + (uniform ? share : 0)),
                 static_cast<float>(share));
  return targets;
}

void threshold_targets(Tensor& targets, double threshold) {
  float* t = targets.data<float>();
  std::transform(t, t + targets.numel(), t,
                 [=](float x) { return static_cast<double>(x) > threshold ? 1.0f : 0.0f; });
}

constinit Kernel<void(Tensor&, const Tensor&, float, float)> targets_kernel{"targets", fill_targets};

}  // namespace salu
