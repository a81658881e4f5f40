// SPDX-License-Identifier: MIT
#include "run/dry_run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/gpu.h"
#include "run/report/report.h"
#include "run/run_folder.h"
#include "run/training_run.h"
#include "train/signals.h"

namespace salu {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kDrySteps = 5;  // a GPU records the fourth

/// A temporary folder beside the run's.
class TrialFolder {
 public:
  explicit TrialFolder(const fs::path& output) {
    const fs::path parent = output.empty() ? fs::path("runs") : output.parent_path();
    std::error_code error;
    for (fs::path p = parent; !p.empty() && !fs::exists(p, error); p = p.parent_path()) missing_.push_back(p);
    path_ = parent / fmt::format(".dry-run-{}", getpid());
  }
  ~TrialFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
    for (const fs::path& folder : missing_) fs::remove(folder, error);
  }
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  std::vector<fs::path> missing_;  // parent folders that it created, deepest first
};

/// The shortest run that does everything once.
TrainConfig shortened(TrainConfig config, const DataSplits& data) {
  config.data.train_num_samples = std::min(data.train->size(), kDrySteps * config.images_per_step());
  config.data.val_num_samples = std::min(data.eval->size(), config.validation_batch_size);
  config.epochs = config.val_interval = 1;
  config.cooldown_epochs = config.patience = config.recovery_interval = config.max_steps = 0;
  config.max_seconds = 0;
  config.schedule.warmup_prefix = false;
  return config;
}

struct Trial {
  std::optional<double> step_seconds;  ///< from the second step on; nothing with fewer than three steps
  double score_seconds = 0;
  std::int64_t scored = 0;
  std::uint64_t checkpoint_bytes = 0;
  bool finished = false;
};

Trial try_out(TrainingRun& trainer, const fs::path& path, const std::string& model) {
  const RunFolder folder({.dir = path, .model = model});
  ProgressOptions quiet;
  quiet.quiet = true;
  Progress progress(quiet);
  folder.require_space(trainer.checkpoint_bytes());
  trainer.attach(folder.path(), folder.files(), progress);
  std::vector<Clock::time_point> starts;
  trainer.trainer().watch_batches([&](Batch&, std::int64_t) { starts.push_back(Clock::now()); });
  const TrainOutcome outcome = trainer.run();
  Trial trial;
  trial.finished = outcome.finished;
  if (!trial.finished) return trial;
  if (starts.size() > 2) {  // from the second step to the last
    const std::chrono::duration<double> time = starts.back() - starts[1];
    trial.step_seconds = time.count() / static_cast<double>(starts.size() - 2);
  }
  trial.scored = outcome.last.samples;
  trial.score_seconds = outcome.last.seconds + (outcome.last_ema ? outcome.last_ema->seconds : 0);
  trial.checkpoint_bytes = trainer.checkpoint_bytes();
  CheckpointStore(path).load("last");
  replace_file(real_files(), path / "config.toml", "");
  write_run_report(path, {std::nullopt, ""});
  return trial;
}

std::string about(std::optional<double> seconds) {
  return seconds ? "about " + duration_text(*seconds) : "too few steps to say how long";
}

std::string forecast(const TrainConfig& config, const DataSplits& data, const Trial& trial) {
  const std::int64_t steps = data.train->size() / config.images_per_step(), epochs = config.total_epochs();
  const double scoring = trial.score_seconds / static_cast<double>(std::max<std::int64_t>(trial.scored, 1)) *
                         static_cast<double>(data.eval->size());
  std::optional<double> training, whole;
  if (trial.step_seconds) {
    training = *trial.step_seconds * static_cast<double>(steps);
    whole = static_cast<double>(epochs) * *training +
            static_cast<double>((epochs + config.val_interval - 1) / config.val_interval) * scoring;
  }
  return fmt::format(
      "an epoch: {} steps of {} images, {}; an evaluation of {} images, {}\n"
      "the run: {} epochs, {}\n",
      steps, config.images_per_step(), about(training), data.eval->size(), about(scoring), epochs,
      about(whole));
}

}  // namespace

std::optional<std::string> dry_run(const TrainOptions& options) {
  TrainConfig config = options.config;
  config.model.placement = open_device(options.device);
  const DataSplits data = config.open_data();
  install_stop_signals();
  const TrialFolder folder(config.output);
  TrainingRun trainer(shortened(config, data));
  const Trial trial = try_out(trainer, folder.path(), config.model.name);
  if (!trial.finished) return std::nullopt;
  const MemoryStats memory = memory_of(trainer.model().store().values().device());
  const auto mib = [](auto bytes) { return static_cast<double>(bytes) / (1 << 20); };
  return fmt::format("{} ({} parameters) on {}, on {}: trained, scored, saved, loaded, reported\n",
                     config.model.name, trainer.model().store().count(), data.train->name(),
                     describe_placement(config.model.placement, options.device)) +
         forecast(config, data, trial) +
         fmt::format("memory of tensors: {:.1f} MiB; a checkpoint: {:.1f} MiB\n", mib(memory.peak_bytes),
                     mib(trial.checkpoint_bytes));
}

}  // namespace salu
