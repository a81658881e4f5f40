// SPDX-License-Identifier: MIT
#include "run/rank_setup.h"

#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "train/ranks/rank_checks.h"

namespace salu {
namespace {

int cores_of_machine() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); }

/// Those that this process may run on: mpirun binds ranks to cores.
int own_cores() {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : cores_of_machine();
}

}  // namespace

std::string settings_to_agree_on(TrainOptions& options) {
  std::string lines = fmt::format("program={}\n", program_checksum());
  const Settings table = train_settings(options);
  for (const Setting& s : table.rows()) {
    if (s.is_action || s.is_local) continue;
    lines += fmt::format("--{}={}\n", s.name, escaped(fmt::format("{}", fmt::join(s.words(), " "))));
  }
  return lines +
         fmt::format("--resume={}\n--max-steps={}\n", escaped(options.resume), options.config.max_steps);
}

std::string data_to_agree_on(const DataSplits& data) {
  return fmt::format("training data={} ({:016x})\nevaluation data={} ({:016x})\n", data.train->name(),
                     data.train->fingerprint(), data.eval->name(), data.eval->fingerprint());
}

int threads_of_rank(int asked, const Communicator& ranks) {
  if (asked > 0 || ranks.local_size() == 1) return asked;
  return std::clamp(cores_of_machine() / ranks.local_size(), 1, own_cores());
}

std::string describe_ranks(const Communicator& ranks, const TrainConfig& config,
                           const std::string& exchange) {
  std::string text = fmt::format("{} ranks, {} pictures each per step; gradients by {}", ranks.size(),
                                 config.pictures_per_step() / ranks.size(), exchange);
  if (own_cores() < cores_of_machine() / ranks.local_size()) {
    text += fmt::format("; mpirun has bound each to {} of {} cores, with --bind-to none it would not",
                        own_cores(), cores_of_machine());
  }
  return text;
}

}  // namespace salu
