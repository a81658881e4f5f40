// SPDX-License-Identifier: MIT
/// A few batches of the training pictures, for what trains on them again and again.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "run/config.h"

namespace salu {

struct TrainBatch {
  Tensor images;   ///< u8 (N,S,S,3), N = pictures_per_step()
  Tensor targets;  ///< f32 (N,K)
};

/// The first `count` steps' pictures of epoch 0, fewer when the epoch is shorter; augmented, smoothed and
/// mixed as `config` says.
std::vector<TrainBatch> first_batches(const DataSplits& data, const TrainConfig& config, std::size_t count);

}  // namespace salu
