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
  onecycle,  ///< up and down by half a cosine each, as PyTorch's OneCycleLR; the momentum stays
};
inline constexpr std::pair<const char*, ScheduleKind> kSchedules[] = {{"cosine", ScheduleKind::cosine},
                                                                      {"step", ScheduleKind::step},
                                                                      {"multistep", ScheduleKind::multistep},
                                                                      {"constant", ScheduleKind::constant},
                                                                      {"onecycle", ScheduleKind::onecycle}};

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::cosine;
  double lr = 0.1, min_lr = 0;
  double epochs = 10;                       ///< length of the schedule; the rate then stays where it is
  double warmup_epochs = 0, warmup_lr = 0;  ///< linear from warmup_lr to lr; onecycle: its way up
  bool warmup_prefix = false;               ///< the schedule starts after the warm-up, with its full length
  double decay_epochs = 30;                 ///< step: every so many epochs …
  std::vector<double> decay_milestones;     ///< multistep: at these epochs …
  double decay_rate = 0.1;                  ///< … times this
  bool per_epoch = false;                   ///< the rate changes at the start of an epoch only
  std::int64_t steps_per_epoch = 1;
};

double learning_rate(const ScheduleConfig& config, std::int64_t step);

}  // namespace salu
