// SPDX-License-Identifier: MIT
#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "layers/choices.h"

namespace salu {
namespace {

constexpr std::pair<const char*, ScheduleKind> kSchedules[] = {{"cosine", ScheduleKind::cosine},
                                                               {"step", ScheduleKind::step},
                                                               {"multistep", ScheduleKind::multistep},
                                                               {"constant", ScheduleKind::constant}};

double decayed(const ScheduleConfig& c, double epoch) {
  double drops = 0;
  switch (c.kind) {
    case ScheduleKind::constant:
      return c.lr;
    case ScheduleKind::cosine: {
      const double t = std::min(epoch / c.epochs, 1.0);
      return c.min_lr + 0.5 * (c.lr - c.min_lr) * (1 + std::cos(std::numbers::pi * t));
    }
    case ScheduleKind::step:
      drops = std::floor(epoch / c.decay_epochs);
      break;
    case ScheduleKind::multistep:
      drops = static_cast<double>(
          std::ranges::count_if(c.decay_milestones, [&](double m) { return m <= epoch; }));
  }
  return std::max(c.min_lr, c.lr * std::pow(c.decay_rate, drops));
}

}  // namespace

ScheduleKind schedule_of(const std::string& name) { return choice_of("--sched", kSchedules, name); }

double learning_rate(const ScheduleConfig& c, std::int64_t step) {
  const std::int64_t whole = step / c.steps_per_epoch * c.steps_per_epoch;
  const double epoch =
      static_cast<double>(c.per_epoch ? whole : step) / static_cast<double>(c.steps_per_epoch);
  if (epoch < c.warmup_epochs) return c.warmup_lr + (c.lr - c.warmup_lr) * epoch / c.warmup_epochs;
  return decayed(c, c.warmup_prefix ? epoch - c.warmup_epochs : epoch);
}

}  // namespace salu
