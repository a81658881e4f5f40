// SPDX-License-Identifier: MIT
/// The settings of salutrain; every flag is declared in train_settings.cc. docs/adding-a-setting.md shows
/// how.
#pragma once

#include <string>
#include <vector>

#include "run/config.h"
#include "run/device.h"
#include "run/progress.h"
#include "run/settings.h"

namespace salu {

/// The user's settings: the configuration of a run, and actions for this call.
struct TrainOptions {
  TrainConfig config;
  DeviceOptions device;
  std::string config_file;  ///< -c
  /// Run folder, or a checkpoint in it; with config.output it starts a new run from there.
  std::string resume;
  bool overwrite = false;
  bool allow_rank_change = false;  ///< --resume: allows another number of ranks
  bool resume_opt = true;          ///< --resume: keeps the optimizer's state
  ProgressStyle progress = ProgressStyle::automatic;
  bool quiet = false;
  bool report = true;  ///< writes report.html at the end

  // Actions in place of a training.
  bool summary = false, list_models = false, print_config = false, check = false, dry_run = false;
  std::string aug_preview;         ///< PNG file to write
  std::int64_t benchmark = 0;      ///< number of steps to time
  std::int64_t overfit_batch = 0;  ///< number of steps on one batch
  bool json = false;               ///< --benchmark: prints a JSON object
  bool profile = false;            ///< --benchmark: adds a table of the ops

  // Filled by read_train_options().
  std::filesystem::path run_dir;       ///< --resume: the run folder
  std::string checkpoint = "last";     ///< --resume: the checkpoint in it
  std::string resolved_toml;           ///< every setting with its resolved value, in the format of -c
  std::vector<std::string> arguments;  ///< command-line arguments as given
};

/// The table of settings in `options`, which must outlive it.
Settings train_settings(TrainOptions& options);

/// Rows shared by several programs.
void add_device_settings(Settings& table, DeviceOptions& device);
void add_folder_settings(Settings& table, DataOptions& data);
void add_bad_image_settings(Settings& table, BadImages& bad_images, double& max_bad);
void add_threads_setting(Settings& table, int& threads);

inline constexpr std::pair<const char*, BadImages> kBadImages[] = {{"stop", BadImages::stop},
                                                                   {"skip", BadImages::leave_out}};
inline constexpr std::pair<const char*, ExifOrientation> kExifOrientations[] = {
    {"ignore", ExifOrientation::ignore}, {"apply", ExifOrientation::apply}};
inline constexpr double kMostImagePixels = 7e8;  ///< whose bytes fit in an int
inline constexpr std::pair<const char*, Interpolation> kInterpolations[] = {
    {"bilinear", Interpolation::bilinear}, {"bicubic", Interpolation::bicubic}};

}  // namespace salu
