// SPDX-License-Identifier: MIT
/// Everything a training run is made of, as the command line and the TOML file fill it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "data/transform.h"
#include "models/model.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace salu {

/// Left-out values are resolved by resolve(): what they become is printed and saved.
struct TrainConfig {
  ModelConfig model;  ///< num_classes and img_size come from the data set unless --img-size is given
  DataOptions data;
  std::optional<int> img_size, num_classes;  ///< num_classes: of synthetic data
  std::uint64_t seed = 42;

  std::int64_t epochs = 10;
  std::int64_t batch_size = 128;
  std::int64_t validation_batch_size = 256;

  std::optional<std::string> opt;  ///< sgd for nets with batch norm, else adamw
  std::optional<double> lr;        ///< sgd: 0.1 B/128; adam, adamw: 2e-3 (transformers 1e-3) sqrt(B/128)
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, opt_eps = 1e-8;
  std::optional<double> weight_decay;  ///< sgd: 5e-4; adam: 5e-5; adamw: 0.05
  bool decay_all = false;
  std::optional<double> coef_lr_scale;  ///< sgd: 1; adam, adamw: 10
  double coef_max_step = 0.1;
  double clip_grad = 0;

  std::string sched = "cosine";
  double min_lr = 0;
  std::optional<double> warmup_epochs;  ///< a tenth of the epochs, at most 5
  double warmup_lr = 0;
  bool warmup_prefix = false;
  double decay_epochs = 30, decay_rate = 0.1;
  std::string decay_milestones;  ///< "100,150", in epochs
  bool sched_per_epoch = false;

  double smoothing = 0;
  bool smoothing_wrong_classes = false;  ///< spread it over the K-1 wrong classes only
  bool model_ema = false;
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
  int aug_repeats = 0;             ///< 0 and 1: each picture once
  std::optional<double> crop_pct;  ///< of the evaluation crop

  bool graph = true;                ///< cuda: the step is recorded once and replayed
  int threads = 0;                  ///< 0: all cores
  int workers = -1;                 ///< -1: one per core, at most 4
  std::string bad_images = "stop";  ///< or "skip": unreadable pictures are passed over
  double max_seconds = 0;
  std::int64_t max_steps = 0;  ///< stop (and checkpoint) after this optimizer step; 0: no limit
  std::filesystem::path output;
  int checkpoint_hist = 3;
  int log_interval = 50;

  void resolve();  ///< fills in what was left out; throws ErrorCode::usage for values that make no sense
  OptimizerConfig optimizer() const;
  ScheduleConfig schedule(std::int64_t steps_per_epoch) const;
  /// Pictures have the size of the data set unless --img-size says otherwise.
  TransformOptions transform(const DataSplits& data) const;
};

}  // namespace salu
