// SPDX-License-Identifier: MIT
/// Everything a training run is made of, as the command line and the TOML file fill it.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "data/mixing.h"
#include "data/transform.h"
#include "models/model.h"
#include "train/evaluator.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/train_step.h"

namespace salu {

/// Left-out values are resolved by resolve(): what they become is printed and saved.
struct TrainConfig {
  ModelConfig model;  ///< num_classes and img_size come from the data set unless --img-size is given
  DataOptions data;
  std::optional<int> img_size, num_classes;  ///< num_classes: of synthetic data
  std::uint64_t seed = 42;

  std::int64_t epochs = 10, cooldown_epochs = 0;
  std::int64_t batch_size = 128;      ///< on all ranks together
  std::int64_t grad_accum_steps = 1;  ///< batches behind one step of the optimizer
  std::int64_t validation_batch_size = 256;

  std::optional<std::string> opt;  ///< sgd for nets with batch norm, else adamw
  std::optional<double>
      lr;  ///< sgd: 0.1 B/128; lars: sqrt(B/128); others: 2e-3 (transformers 1e-3) sqrt(B/128)
  std::optional<double> lr_base;  ///< lr = lr_base * scale(pictures_per_step() / lr_base_size)
  std::int64_t lr_base_size = 256;
  std::optional<std::string> lr_base_scale;  ///< linear or sqrt; sgd: linear, others: sqrt
  double momentum = 0.9;
  bool nesterov = true;
  std::array<double, 2> opt_betas{0.9, 0.999};
  std::optional<double> opt_eps;       ///< lamb: 1e-6; others: 1e-8
  std::optional<double> weight_decay;  ///< sgd: 5e-4; adam, lars: 5e-5; adamw: 0.05; lamb: 0.02
  bool decay_all = false;
  std::optional<double> coef_lr_scale;  ///< sgd, lars: 1; others: 10
  double coef_max_step = 0.1;
  double layer_decay = 1;
  std::string clip_mode = "norm";   ///< norm, value, agc
  std::optional<double> clip_grad;  ///< agc: 0.01; norm: 1 for lamb, else none

  std::string sched = "cosine";
  std::optional<double> min_lr;         ///< 0; onecycle: lr / 250000
  std::optional<double> warmup_epochs;  ///< a tenth of the epochs, at most 5; onecycle: 3 tenths
  std::optional<double> warmup_lr;      ///< 0; onecycle: lr / 25
  bool warmup_prefix = false;
  double decay_epochs = 30, decay_rate = 0.1;
  std::string decay_milestones;  ///< "100,150", in epochs
  bool sched_per_epoch = false;

  double smoothing = 0;
  bool smoothing_wrong_classes = false;  ///< spread it over the K-1 wrong classes only
  bool bce_loss = false;
  std::optional<double> bce_target_thresh;  ///< targets become 1 above it and 0 elsewhere
  bool model_ema = false, model_ema_warmup = false;
  double model_ema_decay = 0.9998;

  bool no_aug = false;
  std::string train_crop_mode = "auto";  ///< auto, pad, rrc
  int crop_padding = 4;
  std::array<double, 2> scale{0.08, 1.0}, ratio{3.0 / 4, 4.0 / 3};
  std::string train_interpolation = "random";  ///< random, bilinear, bicubic
  double hflip = 0.5, vflip = 0;
  double color_jitter = 0;
  std::string aa = "none";  ///< AutoAugment::parse
  int cutout = 0;
  double reprob = 0;
  std::string remode = "pixel";  ///< const, rand, pixel
  int recount = 1;
  int aug_repeats = 0;           ///< 0 and 1: each picture once
  double mixup = 0, cutmix = 0;  ///< alphas
  std::array<double, 2> cutmix_minmax{};
  double mixup_prob = 1, mixup_switch_prob = 0.5;
  std::string mixup_mode = "batch";  ///< batch, pair, elem
  std::uint32_t mixup_off_epoch = 0;
  std::optional<double> crop_pct;                 ///< of the evaluation crop
  std::optional<std::array<float, 3>> mean, std;  ///< the data set's by default
  std::optional<std::string> interpolation;  ///< of evaluation: bilinear or bicubic (which is the default)
  std::filesystem::path initial_checkpoint;  ///< weights to start from

  bool graph = true;                 ///< cuda: the step is recorded once and replayed
  int threads = 0;                   ///< 0: all cores
  int workers = -1;                  ///< -1: one per core, at most 4
  std::string bad_images = "stop";   ///< or "skip": unreadable pictures are passed over
  double max_bad = kMaxBadPercent;   ///< skip: percent of the pictures that may be bad
  std::string eval_metric = "top1";  ///< top1, top5, loss: what `best` and the patience go by
  std::int64_t patience = 0;         ///< stop after so many epochs without a gain; 0: never
  double min_delta = 0;              ///< what counts as a gain
  double max_seconds = 0;
  double rank_timeout = 60;                 ///< seconds that a rank waits for the others
  std::int64_t check_ranks_interval = 100;  ///< compare the ranks' weights every so many steps; 0: never
  std::int64_t max_steps = 0;               ///< stop (and checkpoint) after this optimizer step; 0: no limit
  std::filesystem::path output;
  int checkpoint_hist = 3;
  std::int64_t recovery_interval = 0;  ///< steps between checkpoints inside an epoch; 0: none
  std::int64_t val_interval = 1;       ///< score after every so many epochs, and after the last
  int log_interval = 50;

  /// Throws ErrorCode::usage when the cooldown would train at a learning rate of 0.
  void refuse_idle_cooldown() const;
  void resolve();  ///< fills in what was left out; throws ErrorCode::usage for values that make no sense
  std::int64_t pictures_per_step() const { return batch_size * grad_accum_steps; }
  std::int64_t total_epochs() const { return epochs + cooldown_epochs; }
  EvalMetric metric() const;
  OptimizerConfig optimizer() const;
  /// The data set, whose mean and std are those that the network is fed with.
  DataSplits open_data() const;
  TrainStepOptions step(const DataSplits& data) const;
  ScheduleConfig schedule(std::int64_t steps_per_epoch) const;
  /// Pictures have the size of the data set unless --img-size says otherwise.
  TransformOptions transform(const DataSplits& data) const;
  MixOptions mixing() const;
};

}  // namespace salu
