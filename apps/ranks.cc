// SPDX-License-Identifier: MIT
#include "apps/ranks.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "apps/cli.h"
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

void add_rank_options(CLI::App& app, TrainOptions& o) {
  const auto add = [](CLI::Option* option) { return option->group("Ranks (mpirun)")->capture_default_str(); };
  add(app.add_option("--rank-timeout", o.config.rank_timeout,
                     "seconds to wait for a rank that does not answer"))
      ->check(real_number(0, true));
  add(app.add_option("--check-ranks-interval", o.config.check_ranks_interval,
                     "compare the ranks' weights every so many steps, 0: never"))
      ->check(whole_number(0, 1LL << 40));
  add(app.add_flag("--allow-rank-change", o.allow_rank_change, "resume a run of another number of ranks"))
      ->configurable(false);
}

std::string settings_to_agree_on(const TrainOptions& options) {
  static const std::set<std::string> own = {"data-dir", "device", "threads", "workers"};
  std::string lines = fmt::format("program={}\n", program_checksum());
  std::istringstream settings(options.resolved_toml);
  for (std::string line; std::getline(settings, line);) {
    const std::string name = line.substr(0, line.find('='));
    if (name != line && !own.contains(name)) lines += "--" + line + "\n";
  }
  return lines + fmt::format("--resume={}\n--max-steps={}\n", options.resume, options.config.max_steps);
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
