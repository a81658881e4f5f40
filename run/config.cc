// SPDX-License-Identifier: MIT
#include "run/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <thread>

#include "core/choices.h"
#include "data/open_dataset.h"

namespace salu {
namespace {

/// "100,150" -> {100, 150}
std::vector<double> milestones(const std::string& text) {
  std::vector<double> out;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !(value > 0) || (next < end && *next != ',')) {
      fail(ErrorCode::usage, "--decay-milestones: '{}' is not a list of epochs like 100,150", escaped(text));
    }
    out.push_back(value);
    at = next < end ? next + 1 : end;
  }
  return out;
}

constexpr std::pair<const char*, std::optional<CropMode>> kCropModes[] = {
    {"auto", std::nullopt}, {"pad", CropMode::padded}, {"rrc", CropMode::resized}};
constexpr std::pair<const char*, std::optional<Interpolation>> kInterpolations[] = {
    {"random", std::nullopt}, {"bilinear", Interpolation::bilinear}, {"bicubic", Interpolation::bicubic}};
constexpr std::pair<const char*, EraseMode> kEraseModes[] = {
    {"const", EraseMode::constant}, {"rand", EraseMode::color}, {"pixel", EraseMode::pixel}};
constexpr std::pair<const char*, MixMode> kMixModes[] = {
    {"batch", MixMode::batch}, {"pair", MixMode::pair}, {"elem", MixMode::elem}};

/// What an optimizer takes where the user says nothing.
struct OptimizerDefaults {
  double lr, weight_decay, eps, coef_lr_scale, clip_grad;
};

void check_range(const char* flag, const std::array<double, 2>& range) {
  if (range[0] > range[1]) {
    fail(ErrorCode::usage, "{}: {} {}; expected the smaller number first", flag, range[0], range[1]);
  }
}

/// --lr-base, from its pictures to those of a step.
double scaled_lr(const TrainConfig& c, OptimizerKind kind) {
  if (c.lr) fail(ErrorCode::usage, "--lr with --lr-base: both say the learning rate; expected one");
  const double times = static_cast<double>(c.pictures_per_step()) / static_cast<double>(c.lr_base_size);
  const bool linear = c.lr_base_scale.value_or(kind == OptimizerKind::sgd ? "linear" : "sqrt") == "linear";
  return *c.lr_base * (linear ? times : std::sqrt(times));
}

/// Settings that nothing would read.
void refuse_unused(const TrainConfig& c) {
  if (c.bce_target_thresh && !c.bce_loss) {
    fail(ErrorCode::usage, "--bce-target-thresh: the loss has no use for it; expected --bce-loss with it");
  }
  if (const std::string flag = unused_setting(c.model); !flag.empty()) {
    fail(ErrorCode::usage, "{}: {} has no use for it; expected another --model with it", flag,
         escaped(c.model.name));
  }
  if (!c.decay_milestones.empty() && schedule_of(c.sched) != ScheduleKind::multistep) {
    fail(ErrorCode::usage, "--decay-milestones: the schedule {} has none; expected --sched multistep with it",
         c.sched);
  }
}

}  // namespace

void TrainConfig::resolve() {
  const bool transformer = model.name == "salunet_t" || canonical_model_name(model.name).starts_with("vit_");
  const bool batch_normed = norm_of(model) == Norm::batchnorm;
  // SGD's first epochs are slow without batch norm: salunet_c8 on shapes is at 20 % after four epochs, at 92
  // % with adamw.
  if (!opt) opt = batch_normed ? "sgd" : "adamw";
  const OptimizerKind kind = optimizer_of(*opt);
  const double batch = static_cast<double>(pictures_per_step()) / 128;
  // Linear scaling for SGD; the square root for the others, whose steps do not grow with the gradient.
  const double adam_lr = transformer ? 1e-3 : 2e-3;
  // A coefficient's gradient sums over all positions, so SGD moves it fast already; under Adam it needs the
  // factor.
  const OptimizerDefaults defaults =
      kind == OptimizerKind::sgd    ? OptimizerDefaults{0.1 * batch, 5e-4, 1e-8, 1, 0}
      : kind == OptimizerKind::lars ? OptimizerDefaults{std::sqrt(batch), 5e-5, 1e-8, 1, 0}
      : kind == OptimizerKind::lamb ? OptimizerDefaults{adam_lr * std::sqrt(batch), 0.02, 1e-6, 10, 1}
      : kind == OptimizerKind::adam ? OptimizerDefaults{adam_lr * std::sqrt(batch), 5e-5, 1e-8, 10, 0}
                                    : OptimizerDefaults{adam_lr * std::sqrt(batch), 0.05, 1e-8, 10, 0};
  const ClipMode clip = clip_mode_of(clip_mode);
  if (clip == ClipMode::value && !clip_grad) {
    fail(ErrorCode::usage, "--clip-mode value: no limit is given; expected --clip-grad with it");
  }
  if (no_aug) aug_repeats = 0;
  if (lr_base) lr = scaled_lr(*this, kind);
  lr = lr.value_or(defaults.lr);
  weight_decay = weight_decay.value_or(defaults.weight_decay);
  opt_eps = opt_eps.value_or(defaults.eps);
  coef_lr_scale = coef_lr_scale.value_or(defaults.coef_lr_scale);
  clip_grad = clip_grad.value_or(clip == ClipMode::agc ? 0.01 : defaults.clip_grad);
  const bool one_cycle = schedule_of(sched) == ScheduleKind::onecycle;
  const double length = static_cast<double>(epochs);
  warmup_epochs = warmup_epochs.value_or(one_cycle ? 3 * length / 10 : std::min(5.0, length / 10));
  warmup_lr = warmup_lr.value_or(one_cycle ? *lr / 25 : 0);
  min_lr = min_lr.value_or(one_cycle ? *lr / 25e4 : 0);
  static_cast<void>(metric());
  refuse_unused(*this);
  // Names and lists are checked here, before anything is made.
  static_cast<void>(schedule(1));
  static_cast<void>(transform({}));
  check_range("--scale", scale);
  check_range("--ratio", ratio);
  check_range("--cutmix-minmax", cutmix_minmax);
  if (mixing().enabled() && pictures_per_step() == 1) {
    fail(ErrorCode::usage,
         "--batch-size: a batch of 1 has nothing to mix; expected 2 or more with --mixup and --cutmix");
  }
  if (workers < 0)
    workers = static_cast<int>(std::min(4u, std::max(1u, std::thread::hardware_concurrency())));
  if (num_classes && data.dataset != "synthetic") {
    fail(ErrorCode::usage,
         "--num-classes {}: the data set '{}' knows its own; expected it with --dataset synthetic",
         *num_classes, escaped(data.dataset));
  }
  data.synthetic = {img_size.value_or(SyntheticOptions{}.side),
                    num_classes.value_or(SyntheticOptions{}.classes)};
  data.seed = seed;
  model.seed = seed;
}

void TrainConfig::refuse_idle_cooldown() const {
  if (cooldown_epochs == 0 || learning_rate(schedule(1), total_epochs() - 1) > 0) return;
  fail(ErrorCode::usage,
       "--cooldown-epochs {}: with --min-lr {} the schedule {} ends at a learning rate of 0, which teaches "
       "nothing; expected --min-lr above 0. Give one, or leave the cooldown out",
       cooldown_epochs, *min_lr, sched);
}

EvalMetric TrainConfig::metric() const { return eval_metric_of(eval_metric); }

OptimizerConfig TrainConfig::optimizer() const {
  OptimizerConfig out;
  out.kind = optimizer_of(*opt);
  out.momentum = momentum;
  out.nesterov = nesterov;
  out.beta1 = opt_betas[0];
  out.beta2 = opt_betas[1];
  out.eps = *opt_eps;
  out.weight_decay = *weight_decay;
  out.decay_all = decay_all;
  out.coefficient_lr_scale = *coef_lr_scale;
  out.coefficient_max_step = coef_max_step;
  out.layer_decay = layer_decay;
  out.clip_mode = clip_mode_of(clip_mode);
  out.clip_grad = *clip_grad;
  return out;
}

DataSplits TrainConfig::open_data() const {
  DataSplits splits = open_dataset(data);
  splits.mean = mean.value_or(splits.mean);
  splits.std = std.value_or(splits.std);
  return splits;
}

TrainStepOptions TrainConfig::step(const DataSplits& splits) const {
  TrainStepOptions out;
  out.mean = splits.mean;
  out.std = splits.std;
  out.seed = seed;
  out.bce = bce_loss;
  out.accumulate = grad_accum_steps;
  out.record = graph;
  return out;
}

ScheduleConfig TrainConfig::schedule(std::int64_t steps_per_epoch) const {
  ScheduleConfig out;
  out.kind = schedule_of(sched);
  out.lr = *lr;
  out.min_lr = *min_lr;
  out.epochs = static_cast<double>(epochs);
  out.warmup_epochs = *warmup_epochs;
  out.warmup_lr = *warmup_lr;
  out.warmup_prefix = warmup_prefix;
  out.decay_epochs = decay_epochs;
  out.decay_milestones = milestones(decay_milestones);
  out.decay_rate = decay_rate;
  out.per_epoch = sched_per_epoch;
  out.steps_per_epoch = steps_per_epoch;
  return out;
}

MixOptions TrainConfig::mixing() const {
  MixOptions out;
  out.mixup = mixup;
  out.cutmix = cutmix;
  out.cutmix_minmax = cutmix_minmax;
  out.prob = mixup_prob;
  out.switch_prob = mixup_switch_prob;
  out.mode = choice_of("--mixup-mode", kMixModes, mixup_mode);
  out.off_epoch = mixup_off_epoch;
  return out;
}

TransformOptions TrainConfig::transform(const DataSplits& splits) const {
  TransformOptions out;
  out.img_size = img_size.value_or(splits.img_size);
  out.crop_pct = crop_pct.value_or(default_crop_pct(out.img_size));
  out.augment = !no_aug;
  out.crop_mode = choice_of("--train-crop-mode", kCropModes, train_crop_mode);
  out.crop_padding = crop_padding;
  out.scale = scale;
  out.ratio = ratio;
  out.train_interpolation = choice_of("--train-interpolation", kInterpolations, train_interpolation);
  out.hflip = hflip;
  out.vflip = vflip;
  out.policy = AutoAugment::parse(aa);
  out.color_jitter = color_jitter;
  out.cutout = cutout;
  out.erase = {reprob, choice_of("--remode", kEraseModes, remode), recount};
  if (interpolation) out.interpolation = *interpolation_of(*interpolation);
  out.moments = {splits.mean, splits.std};
  return out;
}

}  // namespace salu
