// SPDX-License-Identifier: MIT
/// Between a running training and a checkpoint.
#pragma once

#include <optional>

#include "data/transform.h"
#include "run/checkpoint.h"
#include "run/config.h"
#include "train/nonfinite.h"

namespace salu {

/// Where a run stands. With the weights and the flat states this is all that a resume needs: the order of
/// samples and every augmentation are functions of (seed, epoch, index).
struct RunProgress {
  std::int64_t step = 0;   ///< optimizer steps so far, skipped ones included
  std::int64_t epoch = 0;  ///< the epoch that goes on, from 0
  std::int64_t batch = 0;  ///< batches of it that are done
  double loss_sum = 0;     ///< over the samples of this epoch so far
  std::int64_t loss_count = 0;
  std::int64_t updates = 0;      ///< steps that changed the weights since the optimizer began
  std::int64_t ema_updates = 0;  ///< steps that the averages have seen
  NonFinite non_finite;
  /// The newest checkpoint of an epoch or of --recovery-interval, where too many non-finite steps lead back
  /// to; "": none. Not one that was saved between two of them, and not that of a stop: with it, a resumed run
  /// would go back elsewhere than one that never stopped.
  std::string good;
  double best_score = 0;         ///< score_of() of the best epoch …
  std::int64_t best_epoch = -1;  ///< … which is this one, from 1; -1: none yet
  /// The last epoch that was a gain of more than --min-delta, and what the next one has to exceed.
  double gain_score = 0;
  std::int64_t gain_epoch = -1;
  std::int64_t ranks = 1;  ///< that shared the batches
};

/// What `saluevaluate` must know to score the weights as they were scored in training.
struct ModelCard {
  ModelConfig model;
  std::vector<std::string> class_names;
  std::string dataset;           ///< --dataset it was trained on
  std::uint64_t data_seed = 42;  ///< decides the built-in pictures and the held-out ones
  std::int64_t val_from_train = 0;
  std::array<float, 3> mean{}, std{};
  double crop_pct = 1;
  EvalCrop crop_mode = EvalCrop::center;
  Interpolation interpolation = Interpolation::bicubic;
  std::optional<std::int64_t> test_img_size;  ///< size and crop that score best, where a file names them
  std::optional<double> test_crop_pct;
};

/// config.json: timm's keys plus one object `salu`.
nlohmann::json card_to_json(const ModelCard& card);
/// Reads config.json of salutrain, and of timm (run/interchange/pytorch.h). Throws ErrorCode::checkpoint
/// naming the field that is missing or of the wrong type; `file` is named in the message.
ModelCard card_from_json(const nlohmann::json& json, const std::string& file);

/// Throws ErrorCode::checkpoint for a crop, dropout, mean, deviation or number of class names that no model
/// has.
void check_card(const ModelCard& card, const std::string& file);

/// Everything of a run, copied. `ema` may be null.
Checkpoint take_snapshot(const Model& model, Optimizer& optimizer, Ema* ema, const RunProgress& progress,
                         const ModelCard& card, std::uint64_t data_fingerprint);
/// The counters of a checkpoint. Throws ErrorCode::checkpoint when one is missing or out of range, or when
/// the data set differs.
RunProgress read_progress(const Checkpoint& checkpoint, const std::string& file,
                          std::uint64_t data_fingerprint);
/// The reverse of take_snapshot(); without `optimizer` its state is not read. Throws ErrorCode::checkpoint
/// when the data set differs or a weight is not finite.
RunProgress restore_snapshot(const Checkpoint& checkpoint, const std::string& file, Model& model,
                             Optimizer* optimizer, Ema* ema, std::uint64_t data_fingerprint);

}  // namespace salu
