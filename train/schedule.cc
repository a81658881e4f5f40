// SPDX-License-Identifier: MIT
#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace salu {
namespace {

/// From `from` (t = 0) to `to` (t >= 1) by half a cosine.
double cosine(double from, double to, double t) {
  return to + 0.5 * (from - to) * (1 + std::cos(std::numbers::pi * std::min(t, 1.0)));
}

/// The peak is the last step of the rise, the lowest rate that of the last step.
double one_cycle(const ScheduleConfig& c, double step) {
  const double steps = static_cast<double>(c.steps_per_epoch);
  const double peak = std::max(c.warmup_epochs * steps - 1, 0.0), last = c.epochs * steps - 1;
  if (step < peak) return cosine(c.warmup_lr, c.lr, step / peak);
  return last > peak ? cosine(c.lr, c.min_lr, (step - peak) / (last - peak)) : c.lr;
}

double decayed(const ScheduleConfig& c, double epoch) {
  double drops = 0;
  switch (c.kind) {
    case ScheduleKind::constant:
      return c.lr;
    case ScheduleKind::onecycle:
      return one_cycle(c, epoch * static_cast<double>(c.steps_per_epoch));
    case ScheduleKind::cosine:
      return cosine(c.lr, c.min_lr, epoch / c.epochs);
    case ScheduleKind::step:
      drops = std::floor(epoch / c.decay_epochs);
      break;
    case ScheduleKind::multistep:
      drops = static_cast<double>(
          std::ranges::count_if(c.decay_milestones, [&](double m) { return m <= epoch; }));
  }
  return std::max(c.min_lr, c.lr * std::pow(c.decay_rate, drops));
}

/// The cooldown keeps the last rate. A cosine or a cycle already ends at min_lr.
std::int64_t scheduled(const ScheduleConfig& c, std::int64_t step) {
  if (c.kind != ScheduleKind::step && c.kind != ScheduleKind::multistep) return step;
  const double length = c.epochs + (c.warmup_prefix ? c.warmup_epochs : 0);
  return std::min<std::int64_t>(step, std::llround(length * static_cast<double>(c.steps_per_epoch)) - 1);
}

}  // namespace

double learning_rate(const ScheduleConfig& c, std::int64_t asked) {
  const std::int64_t step = scheduled(c, asked);
  const std::int64_t whole = step / c.steps_per_epoch * c.steps_per_epoch;
  const double epoch =
      static_cast<double>(c.per_epoch ? whole : step) / static_cast<double>(c.steps_per_epoch);
  if (c.kind != ScheduleKind::onecycle && epoch < c.warmup_epochs)
    return c.warmup_lr + (c.lr - c.warmup_lr) * epoch / c.warmup_epochs;
  return decayed(c, c.warmup_prefix && c.kind != ScheduleKind::onecycle ? epoch - c.warmup_epochs : epoch);
}

}  // namespace salu
