// SPDX-License-Identifier: MIT
/// The command line of salutrain.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/device.h"
#include "run/config.h"
#include "run/progress.h"

namespace salu {

struct TrainOptions {
  TrainConfig config;
  DeviceOptions device;
  std::string resume;       ///< run folder, or a checkpoint in it
  std::string aug_preview;  ///< PNG file to write instead of training
  bool overwrite = false;
  bool allow_rank_change = false;  ///< --resume: with another number of ranks
  bool fresh_optimizer = false;    ///< --resume: without the optimizer's state
  bool summary = false, list_models = false, print_config = false, check = false;
  std::int64_t benchmark = 0;      ///< steps to time instead of training
  std::int64_t overfit_batch = 0;  ///< steps on one batch instead of training
  bool dry_run = false;
  bool json = false;     ///< --benchmark: as a JSON object
  bool profile = false;  ///< --benchmark: and a table of the ops
  std::string progress = "auto";
  bool quiet = false;
  bool report = true;  ///< write report.html at the end

  // Filled by TrainCommandLine.
  std::filesystem::path run_dir;       ///< --resume: the run folder
  std::string checkpoint = "last";     ///< --resume: the checkpoint in it
  std::string resolved_toml;           ///< every setting as it is used, re-runnable with -c
  std::vector<std::string> arguments;  ///< as they were given
  std::vector<std::string> given;      ///< as arguments, also what stood in a file or in the environment
};

/// The options of salutrain. CLI11 compares each option with all before it, 4 ms for all of them: they are
/// added once, and read as often as wanted.
class TrainCommandLine {
 public:
  TrainCommandLine();
  TrainCommandLine(const TrainCommandLine&) = delete;  // the options point into options_
  TrainCommandLine& operator=(const TrainCommandLine&) = delete;

  /// Parses, merges the configuration of a run that is resumed, and resolves what was left out. Returns
  /// nothing when help was printed. Throws ErrorCode::usage, and ErrorCode::checkpoint when a flag
  /// contradicts the run that is resumed.
  std::optional<TrainOptions> read(const std::vector<std::string>& arguments);
  /// The settings in the config.toml of a run, where nothing is left out. Throws ErrorCode::usage.
  TrainOptions read_run(const std::filesystem::path& folder);

 private:
  /// Into options_, as given; false when help was printed.
  bool parse(const std::vector<std::string>& arguments);
  /// Fills in what was left out.
  const TrainOptions& resolve();
  /// The run's settings, and those asked for beside them.
  TrainOptions merge_run(TrainOptions asked);

  TrainOptions options_;
  CLI::App app_{"Trains a network, with or without normalization layers.", "salutrain"};
};

}  // namespace salu
