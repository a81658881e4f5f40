// SPDX-License-Identifier: MIT
/// Builds the network to score from a checkpoint and the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/transform.h"
#include "run/device.h"
#include "run/interchange/pytorch.h"
#include "train/evaluator.h"

namespace salu {

/// Overrides of a checkpoint's own preprocessing.
struct ScoringOptions {
  std::string model;  ///< architecture for weights without config.json
  std::optional<std::int64_t> img_size;
  std::optional<double> crop_pct;
  std::optional<EvalCrop> crop_mode;
  std::optional<Interpolation> interpolation;
  std::optional<ExifOrientation> exif;
  std::optional<std::array<float, 3>> mean, std;
  bool use_train_size = false;      ///< ignores the size and crop that a checkpoint names for tests
  bool mirror = false;              ///< mean of the logits of an image and its mirror image
  std::filesystem::path class_map;  ///< file with a class name per line, in output order
  std::int64_t batch_size = 256;
  int threads = 0;
  bool use_ema = false;  ///< the averaged weights only
  DeviceOptions device;
  Placement placement;  ///< result of open_device() for `device`
};

/// The non-empty lines of a text file.
std::vector<std::string> lines_of(const std::filesystem::path& file);

struct Weights {
  std::string kind;  ///< "raw" or "ema"
  std::vector<NamedTensor> tensors;
};

/// `card` holds the values in use: img_size, crop, interpolation, mean and std.
struct ScoringModel {
  std::string path;
  ModelCard card;
  std::vector<Weights> weights;  ///< raw, then ema if there are averages; only one of them with --use-ema
  std::unique_ptr<Model> model;
  nlohmann::json label_descriptions;  ///< of config.json, in any form; null: none

  /// Tells on stderr that raw weights are used although the checkpoint has averaged ones.
  void say_which_weights() const;
  TransformOptions transform() const;
  Scoring scoring(const ScoringOptions& options) const;
  /// "resnet18, 224x224, crop 0.95, bicubic, mean 0.485 0.456 0.406, std 0.229 0.224 0.225"
  std::string description() const;
};

/// Loads a checkpoint and builds its network with the first of `weights`.
ScoringModel open_scoring_model(const std::string& path, const ScoringOptions& options);

}  // namespace salu
