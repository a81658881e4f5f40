// SPDX-License-Identifier: MIT
/// The configuration of a training run. run/train_settings.cc defines its flags.
#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include "data/dataset.h"
#include "data/mixing.h"
#include "data/transform.h"
#include "models/model.h"
#include "train/evaluator.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/train_step.h"

namespace salu {

enum class RateScaling { linear, sqrt };

struct TrainConfig {
  ModelConfig model;  ///< num_classes and img_size come from the data set unless the settings below give them
  DataOptions data;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  TransformOptions augmentation;
  MixOptions mixing;
  TrainStepOptions step;

  // Settings whose defaults depend on others; unset ones hold nothing. resolve() fills them in and copies
  // them into the structures above.
  std::optional<OptimizerKind> opt;  ///< sgd for networks with batch norm, else adamw
  /// sgd: 0.1 B/128; lars: sqrt(B/128); others: 2e-3 (transformers 1e-3) sqrt(B/128). Stays unset with
  /// lr_base: the rate is then schedule.lr.
  std::optional<double> lr;
  std::optional<double> lr_base;  ///< lr = lr_base * scale(images_per_step() / lr_base_size)
  std::int64_t lr_base_size = 256;
  std::optional<RateScaling> lr_base_scale;  ///< sgd, lars: linear, others: sqrt
  std::optional<bool> nesterov;              ///< lars: false, others: true
  std::optional<double> opt_eps;             ///< lamb: 1e-6; others: 1e-8
  std::optional<double> weight_decay;        ///< sgd: 5e-4; adam, lars: 5e-5; adamw: 0.05; lamb: 0.02
  std::optional<double> coef_lr_scale;       ///< sgd, lars: 1; others: 10
  std::optional<double> clip_grad;           ///< agc: 0.01; norm: 1 for lamb, else none
  std::optional<double> min_lr;              ///< 0; onecycle: lr / 250000
  std::optional<double> warmup_epochs;       ///< a tenth of the epochs, at most 5; onecycle: 3 tenths
  std::optional<double> warmup_lr;           ///< 0; per_epoch: 1e-5; onecycle: lr / 25

  // Unset: as in the data set.
  std::optional<int> img_size, num_classes;  ///< num_classes: for synthetic data
  std::optional<double> crop_pct;            ///< for the evaluation crop
  std::optional<std::array<float, 3>> mean, std;
  std::optional<Interpolation> interpolation;  ///< for evaluation

  std::uint64_t seed = 42;
  std::int64_t epochs = 10, cooldown_epochs = 0;
  std::int64_t batch_size = 128;  ///< on all ranks together
  std::int64_t validation_batch_size = 256;
  double smoothing = 0;
  bool smoothing_wrong_classes = false;     ///< spreads it over the K-1 wrong classes only
  std::optional<double> bce_target_thresh;  ///< targets become 1 above this value and 0 elsewhere
  int aug_repeats = 0;                      ///< 0 or 1: each image once
  bool model_ema = false, model_ema_warmup = false;
  double model_ema_decay = 0.9998;
  std::filesystem::path initial_checkpoint;  ///< initial weights

  int threads = 0;                            ///< 0: all cores
  int workers = -1;                           ///< -1: one per core, at most 4
  BadImages bad_images = BadImages::stop;     ///< or leave_out: skips unreadable images
  double max_bad = kMaxBadPercent;            ///< percentage of images that may be bad under leave_out
  EvalMetric eval_metric = EvalMetric::top1;  ///< decides `best` and patience
  std::int64_t patience = 0;                  ///< stops after this many epochs without a gain; 0: never
  double min_delta = 0;                       ///< smallest gain that counts
  double max_seconds = 0;                     ///< saves and stops after this time; 0: no limit
  std::int64_t max_steps = 0;                 ///< saves and stops after this optimizer step; 0: no limit
  double rank_timeout = 60;                   ///< seconds that a rank waits for the others
  std::int64_t check_ranks_interval = 100;    ///< compares the ranks' weights every this many steps; 0: never
  std::filesystem::path output;               ///< the run folder; empty: runs/<time>-<model>-<size>
  int checkpoint_hist = 3;
  std::int64_t recovery_interval = 0;  ///< steps between checkpoints inside an epoch; 0: none
  std::int64_t val_interval = 1;       ///< scores every this many epochs, and after the last
  int log_interval = 50;

  /// Throws ErrorCode::usage for a schedule that cannot be meant: without an effect, rising where it should
  /// fall, or with a cooldown at a learning rate of 0. Runs of earlier versions may have one.
  void refuse_odd_schedule() const;
  void resolve();  ///< fills in unset values; throws ErrorCode::usage for invalid ones
  std::int64_t images_per_step() const { return batch_size * step.accumulate; }
  std::int64_t total_epochs() const;  ///< with the warm-up before the schedule, and the cooldown
  /// The data set, with the mean and std that normalize the network's input.
  DataSplits open_data() const;
  TrainStepOptions step_on(const DataSplits& data) const;
  ScheduleConfig schedule_over(std::int64_t steps_per_epoch) const;
  /// Images have the data set's size unless --img-size is given.
  TransformOptions transform(const DataSplits& data) const;
};

}  // namespace salu
