// SPDX-License-Identifier: MIT
#include "run/config.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/choices.h"
#include "data/open_dataset.h"

namespace salu {
namespace {

/// Defaults of an optimizer.
struct OptimizerDefaults {
  double lr, weight_decay, eps, coef_lr_scale, clip_grad;
};

/// `batch`: images of a step, relative to 128. SGD's rate grows linearly with it; that of the others grows
/// with its square root, as their steps do not grow with the gradient. A coefficient's gradient sums over all
/// positions, so SGD moves it fast already; Adam needs the factor.
OptimizerDefaults defaults_of(OptimizerKind kind, double batch, bool transformer) {
  const double adam_lr = (transformer ? 1e-3 : 2e-3) * std::sqrt(batch);
  switch (kind) {
    case OptimizerKind::sgd:
      return {0.1 * batch, 5e-4, 1e-8, 1, 0};
    case OptimizerKind::lars:
      return {std::sqrt(batch), 5e-5, 1e-8, 1, 0};
    case OptimizerKind::lamb:
      return {adam_lr, 0.02, 1e-6, 10, 1};
    case OptimizerKind::adam:
      return {adam_lr, 5e-5, 1e-8, 10, 0};
    case OptimizerKind::adamw:
      break;
  }
  return {adam_lr, 0.05, 1e-8, 10, 0};
}

/// True for SGD and LARS, which step along the gradient and not along its sign.
bool has_momentum(OptimizerKind kind) { return kind == OptimizerKind::sgd || kind == OptimizerKind::lars; }

/// lr_base scaled from its number of images to that of a step.
double scaled_lr(TrainConfig& c, OptimizerKind kind) {
  if (c.lr) fail(ErrorCode::usage, "--lr with --lr-base: both say the learning rate; expected one");
  const double times = static_cast<double>(c.images_per_step()) / static_cast<double>(c.lr_base_size);
  if (!c.lr_base_scale) c.lr_base_scale = has_momentum(kind) ? RateScaling::linear : RateScaling::sqrt;
  return *c.lr_base * (c.lr_base_scale == RateScaling::linear ? times : std::sqrt(times));
}

/// Fills in `asked` if unset, and copies it to `target`.
void settle(std::optional<double>& asked, double default_value, double& target) {
  if (!asked) asked = default_value;
  target = *asked;
}

void resolve_optimizer(TrainConfig& c) {
  // Without batch norm, SGD's first epochs are slow: salunet_c8 on shapes is at 20 % after four epochs, at 92
  // % with adamw.
  if (!c.opt) c.opt = norm_of(c.model) == Norm::batchnorm ? OptimizerKind::sgd : OptimizerKind::adamw;
  OptimizerConfig& o = c.optimizer;
  o.kind = *c.opt;
  if (o.clip_mode == ClipMode::value && !c.clip_grad) {
    fail(ErrorCode::usage, "--clip-mode value: no limit is given; expected --clip-grad with it");
  }
  const double batch = static_cast<double>(c.images_per_step()) / 128;
  const OptimizerDefaults defaults = defaults_of(o.kind, batch, is_transformer(c.model.name));
  if (c.lr_base) {
    c.schedule.lr = scaled_lr(c, o.kind);
  } else {
    settle(c.lr, defaults.lr, c.schedule.lr);
  }
  o.nesterov = *(c.nesterov = c.nesterov.value_or(o.kind != OptimizerKind::lars));
  settle(c.weight_decay, defaults.weight_decay, o.weight_decay);
  settle(c.opt_eps, defaults.eps, o.eps);
  settle(c.coef_lr_scale, defaults.coef_lr_scale, o.coefficient_lr_scale);
  settle(c.clip_grad, o.clip_mode == ClipMode::agc ? 0.01 : defaults.clip_grad, o.clip_grad);
}

void resolve_schedule(TrainConfig& c) {
  ScheduleConfig& s = c.schedule;
  const bool one_cycle = s.kind == ScheduleKind::onecycle;
  const double length = static_cast<double>(c.epochs);
  settle(c.warmup_epochs, one_cycle ? 3 * length / 10 : std::min(5.0, length / 10), s.warmup_epochs);
  // Per step, a start at 0 costs one step, but per epoch it would cost the whole first epoch.
  const double start = s.per_epoch ? std::min(1e-5, s.lr) : 0;
  settle(c.warmup_lr, one_cycle ? s.lr / 25 : start, s.warmup_lr);
  settle(c.min_lr, one_cycle ? s.lr / 25e4 : 0, s.min_lr);
}

void check_order(const char* flag, const std::array<double, 2>& range) {
  if (range[0] > range[1]) {
    fail(ErrorCode::usage, "{}: {} {}; expected the smaller number first", flag, range[0], range[1]);
  }
}

/// Refuses settings that would have no effect.
void refuse_unused(const TrainConfig& c) {
  if (c.bce_target_thresh && !c.step.bce) {
    fail(ErrorCode::usage, "--bce-target-thresh: the loss has no use for it; expected --bce-loss with it");
  }
  if (const std::string flag = unused_setting(c.model); !flag.empty()) {
    fail(ErrorCode::usage, "{}: {} has no use for it; expected another --model with it", flag, c.model.name);
  }
  if (!c.schedule.decay_milestones.empty() && c.schedule.kind != ScheduleKind::multistep) {
    fail(ErrorCode::usage, "--decay-milestones: the schedule {} has none; expected --sched multistep with it",
         choice_name(kSchedules, c.schedule.kind));
  }
  if (c.num_classes && c.data.dataset != "synthetic") {
    fail(ErrorCode::usage,
         "--num-classes {}: the data set '{}' knows its own; expected it with --dataset synthetic",
         *c.num_classes, c.data.dataset);
  }
}

}  // namespace

void TrainConfig::resolve() {
  resolve_optimizer(*this);
  resolve_schedule(*this);
  refuse_unused(*this);
  check_order("--scale", augmentation.scale);
  check_order("--ratio", augmentation.ratio);
  check_order("--cutmix-minmax", mixing.cutmix_minmax);
  if (mixing.enabled() && images_per_step() == 1) {
    fail(ErrorCode::usage,
         "--batch-size: a batch of 1 has nothing to mix; expected 2 or more with --mixup and --cutmix");
  }
  if (!augmentation.augment) aug_repeats = 0;
  if (workers < 0)
    workers = static_cast<int>(std::min(4u, std::max(1u, std::thread::hardware_concurrency())));
  data.synthetic = {img_size.value_or(SyntheticOptions{}.side),
                    num_classes.value_or(SyntheticOptions{}.classes)};
  data.seed = model.seed = step.seed = seed;
  data.bad_images = bad_images;
}

std::int64_t TrainConfig::total_epochs() const {
  const bool warms_before = schedule.warmup_prefix && schedule.kind != ScheduleKind::onecycle;
  const double warmup = warms_before ? std::ceil(schedule.warmup_epochs) : 0;
  return epochs + static_cast<std::int64_t>(warmup) + cooldown_epochs;
}

void TrainConfig::refuse_odd_schedule() const {
  if (schedule.kind == ScheduleKind::multistep && schedule.decay_milestones.empty()) {
    fail(ErrorCode::usage, "--sched multistep: no milestones; expected --decay-milestones with it");
  }
  const bool warms = schedule.warmup_epochs > 0;
  for (const auto& [flag, rate] :
       {std::pair("--min-lr", schedule.min_lr), std::pair("--warmup-lr", warms ? schedule.warmup_lr : 0)}) {
    if (rate <= schedule.lr) continue;
    fail(ErrorCode::usage,
         "{} {}: above the learning rate {}; expected at most that. Lower it, or raise --lr", flag, rate,
         schedule.lr);
  }
  if (cooldown_epochs == 0 || learning_rate(schedule_over(1), total_epochs() - 1) > 0) return;
  fail(ErrorCode::usage,
       "--cooldown-epochs {}: with --min-lr {} the schedule {} ends at a learning rate of 0, which teaches "
       "nothing; expected --min-lr above 0. Give one, or leave the cooldown out",
       cooldown_epochs, schedule.min_lr, choice_name(kSchedules, schedule.kind));
}

DataSplits TrainConfig::open_data() const {
  DataSplits splits = open_dataset(data);
  splits.mean = mean.value_or(splits.mean);
  splits.std = std.value_or(splits.std);
  return splits;
}

TrainStepOptions TrainConfig::step_on(const DataSplits& splits) const {
  TrainStepOptions out = step;
  out.mean = splits.mean;
  out.std = splits.std;
  return out;
}

ScheduleConfig TrainConfig::schedule_over(std::int64_t steps_per_epoch) const {
  ScheduleConfig out = schedule;
  out.epochs = static_cast<double>(epochs);
  out.steps_per_epoch = steps_per_epoch;
  return out;
}

TransformOptions TrainConfig::transform(const DataSplits& splits) const {
  TransformOptions out = augmentation;
  out.img_size = img_size.value_or(splits.img_size);
  out.crop_pct = crop_pct.value_or(default_crop_pct(out.img_size));
  out.interpolation = interpolation.value_or(out.interpolation);
  out.moments = {splits.mean, splits.std};
  return out;
}

}  // namespace salu
