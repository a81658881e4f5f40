// SPDX-License-Identifier: MIT
/// What saluevaluate does for one checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "apps/device.h"
#include "train/evaluator.h"
#include "train/snapshot.h"

namespace salu {

struct EvaluateOptions {
  std::vector<std::string> checkpoints;
  std::optional<std::string> dataset;  ///< the one it was trained on by default
  std::filesystem::path data_dir;
  std::int64_t batch_size = 256;
  int threads = 0, workers = 2;
  bool use_ema = false;
  bool json = false;
  bool per_class = false;
  std::int64_t num_samples = 0;
  DeviceOptions device;
  Placement placement;  ///< where the networks live: what open_device() made of `device`
};

struct ScoredCheckpoint {
  std::string path;
  ModelCard card;
  std::int64_t parameters = 0;
  std::string split;    ///< "val" or "test"
  std::string dataset;  ///< the data set's own name
  EvalResult result;
  std::string non_finite;  ///< name of a weight with NaN or Inf, or ""
};

/// Loads, scores, and checks that the classes are those of training: they are matched by name, not by
/// position.
ScoredCheckpoint score_checkpoint(const std::string& path, const EvaluateOptions& options);

/// The table of all, best first.
std::string result_table(std::vector<ScoredCheckpoint> scored);
std::string class_table(const ScoredCheckpoint& scored);
nlohmann::json result_json(const ScoredCheckpoint& scored);

}  // namespace salu
