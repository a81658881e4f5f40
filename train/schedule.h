// SPDX-License-Identifier: MIT
/// The learning rate as a pure function of the step.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace salu {

enum class ScheduleKind {
  cosine,
  step,
  multistep,
  constant,
  onecycle,  ///< half a cosine up and one down, as PyTorch's OneCycleLR; the momentum is constant
};
inline constexpr std::pair<const char*, ScheduleKind> kSchedules[] = {{"cosine", ScheduleKind::cosine},
                                                                      {"step", ScheduleKind::step},
                                                                      {"multistep", ScheduleKind::multistep},
                                                                      {"constant", ScheduleKind::constant},
                                                                      {"onecycle", ScheduleKind::onecycle}};

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::cosine;
  double lr = 0.1, min_lr = 0;
  double epochs = 10;                       ///< length of the schedule; the rate is constant afterwards
  double warmup_epochs = 0, warmup_lr = 0;  ///< linear from warmup_lr to lr; onecycle: the rising part
  bool warmup_prefix = false;               ///< the schedule starts after the warm-up, at full length
  double decay_epochs = 30;                 ///< step: multiplies by decay_rate every this many epochs
  std::vector<double> decay_milestones;     ///< multistep: multiplies by decay_rate at these epochs
  double decay_rate = 0.1;                  ///< factor of step and multistep
  bool per_epoch = false;                   ///< changes the rate at the start of an epoch only
  std::int64_t steps_per_epoch = 1;
};

double learning_rate(const ScheduleConfig& config, std::int64_t step);

}  // namespace salu
