// SPDX-License-Identifier: MIT
#include "run/batch_targets.h"

#include "core/ops/targets.h"

namespace salu {

std::function<void(Batch&, RandomKey)> target_maker(const TrainConfig& config, const Dataset& dataset) {
  const SmoothingKind kind =
      config.smoothing_wrong_classes ? SmoothingKind::wrong_classes : SmoothingKind::uniform;
  return [mixing = config.mixing, smoothing = config.smoothing, kind, threshold = config.bce_target_thresh,
          classes = static_cast<std::int64_t>(dataset.class_names().size())](Batch& batch, RandomKey key) {
    batch.targets = smoothed_targets(batch.labels, classes, smoothing, kind);
    mix_batch(batch.images, batch.targets, mixing, key, &batch.part);
    if (threshold) threshold_targets(batch.targets, *threshold);
  };
}

}  // namespace salu
