// SPDX-License-Identifier: MIT
#include "run/train_command.h"

#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <optional>

#include "core/gpu.h"
#include "core/parallel.h"
#include "core/text.h"
#include "run/environment.h"
#include "run/report/run_report.h"
#include "run/run_folder.h"
#include "run/train_options.h"
#include "run/training_run.h"
#include "train/ranks/rank_checks.h"
#include "train/signals.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

int cores_of_machine() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); }

/// Cores that this process may use: mpirun binds ranks to cores.
int own_cores() {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : cores_of_machine();
}

/// Program and settings for check_agreement(), without those that may differ between ranks.
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

/// CPU threads of one rank: `asked`, or its share of this machine.
int threads_of_rank(int asked, const Communicator& ranks) {
  if (asked > 0 || ranks.local_size() == 1) return asked;
  return std::clamp(cores_of_machine() / ranks.local_size(), 1, own_cores());
}

/// "2 ranks, 64 images each per step; gradients by MPI", with a hint when mpirun has bound each to one core.
std::string describe_ranks(const Communicator& ranks, const TrainConfig& config,
                           const std::string& exchange) {
  std::string text = fmt::format("{} ranks, {} images each per step; gradients by {}", ranks.size(),
                                 config.images_per_step() / ranks.size(), exchange);
  if (own_cores() < cores_of_machine() / ranks.local_size()) {
    text += fmt::format("; mpirun has bound each to {} of {} cores, with --bind-to none it would not",
                        own_cores(), cores_of_machine());
  }
  return text;
}

void print_result(const TrainOptions& options, const TrainingRun& trainer, const TrainOutcome& outcome,
                  const fs::path& run_dir, int ranks) {
  const std::string& split = trainer.data().eval_name;
  if (outcome.last.samples > 0) {
    fmt::print(" * Acc@1 {:.3f} ({:.3f}) Acc@5 {:.3f} loss {:.4f} on {} images of {}{}\n",
               outcome.last.top1(), 100 - outcome.last.top1(), outcome.last.top5(), outcome.last.loss(),
               outcome.last.samples, split,
               outcome.last_ema ? fmt::format(", ema {:.3f}", outcome.last_ema->top1()) : "");
  }
  if (outcome.best_epoch >= 0)
    fmt::print("best {}{}: {:.3f} at epoch {}\n", choice_name(kEvalMetrics, options.config.eval_metric),
               !options.config.model_ema ? ""
               : outcome.best_averaged   ? " (ema)"
                                         : " (raw)",
               std::abs(outcome.best_score), outcome.best_epoch);
  if (outcome.no_gain) {
    fmt::print("no gain in {} epoch{}: finished early\n", options.config.patience,
               options.config.patience == 1 ? "" : "s");
  }
  if (outcome.finished) {
    fmt::print("score it: saluevaluate {}\n", shell_word((run_dir / "last").string()));
  } else {
    fmt::print("stopped; go on with: {}salutrain --resume {}\n",
               ranks > 1 ? fmt::format("mpirun -n {} ", ranks) : "", shell_word(run_dir.string()));
  }
}

/// Rank 0 creates or opens the run folder; all ranks get its path.
fs::path open_folder(const TrainOptions& options, TrainingRun& trainer, Communicator& ranks,
                     std::optional<RunFolder>& folder) {
  std::string path;
  if (ranks.is_root()) {
    const bool same_folder = !options.resume.empty() && options.config.output.empty();
    RunFolderOptions o;
    o.dir = same_folder ? options.run_dir : options.config.output;
    o.model = options.config.model.name;
    o.image_size = static_cast<int>(trainer.model_config().img_size);
    o.resume = same_folder;
    o.overwrite = options.overwrite;
    folder.emplace(o);
    folder->require_space(trainer.checkpoint_bytes());
    path = folder->path().string();
  }
  return ranks.gather(path).front();
}

/// A note when a resumed run continues at another learning rate than before, or "".
std::string rate_note(const TrainingRun& trainer, const TrainConfig& before, const TrainConfig& now) {
  const double next = trainer.lr_under(now, trainer.step());
  if (next == trainer.lr_under(before, trainer.step())) return "";
  return fmt::format("learning rate: {:.4g} at the end of the run so far, now {:.4g} ({} over {} epoch{})",
                     trainer.lr_under(before, std::max<std::int64_t>(trainer.step() - 1, 0)), next,
                     choice_name(kSchedules, now.schedule.kind), now.epochs, now.epochs == 1 ? "" : "s");
}

/// Notes about a warm-up as long as the run, a first epoch at rate 0, and a schedule that never drops.
std::vector<std::string> schedule_notes(const TrainConfig& config, std::int64_t steps_per_epoch) {
  const ScheduleConfig schedule = config.schedule_over(steps_per_epoch);
  const std::int64_t epochs = config.total_epochs();
  const double last = learning_rate(schedule, epochs * steps_per_epoch - 1);
  const bool drops = schedule.kind == ScheduleKind::step || schedule.kind == ScheduleKind::multistep;
  std::vector<std::string> notes;
  if (schedule.warmup_epochs >= static_cast<double>(epochs) && last < schedule.lr) {
    notes.push_back(fmt::format(
        "warning: --warmup-epochs {}: the run has {} epoch{} and ends at a learning rate of {:.4g}, "
        "{:.4g} is never reached",
        schedule.warmup_epochs, epochs, epochs == 1 ? "" : "s", last, schedule.lr));
  }
  if (learning_rate(schedule, steps_per_epoch - 1) == 0) {
    notes.push_back("warning: --warmup-lr 0: the first epoch has a learning rate of 0 and teaches nothing");
  }
  if (drops && last == schedule.lr) {
    notes.push_back(fmt::format("warning: --sched {}: the learning rate never drops in {} epoch{}",
                                choice_name(kSchedules, schedule.kind), epochs, epochs == 1 ? "" : "s"));
  }
  return notes;
}

void describe_run(const TrainOptions& options, TrainingRun& trainer, const Communicator& ranks,
                  Progress& progress, const RunFolder& folder) {
  const TrainConfig& config = options.config;
  const std::int64_t size = trainer.data().train->size(), steps = size / config.images_per_step(),
                     seen = steps * config.images_per_step();
  progress.line(fmt::format(
      "{} ({} parameters) on {}: {} images{}, {} classes; {} lr {:.4g} weight decay {:.3g}; "
      "on {}; run folder {}",
      config.model.name, trainer.model().store().count(), trainer.data().train->name(), size,
      seen < size ? fmt::format(" ({} of them in an epoch)", seen) : "",
      trainer.data().train->class_names().size(), choice_name(kOptimizers, config.optimizer.kind),
      config.schedule.lr, config.optimizer.weight_decay,
      describe_placement(trainer.model_config().placement, options.device), shown(folder.path())));
  if (ranks.size() > 1) progress.line(describe_ranks(ranks, config, trainer.trainer().exchange()));
  std::string images = describe_training(trainer.transform());
  if (config.aug_repeats > 1) images += fmt::format(", each {} times", config.aug_repeats);
  if (config.mixing.enabled()) images += ", " + describe_mixing(config.mixing);
  progress.line("training images: " + images);
  for (const auto& notes : {folder.notes(), trainer.notes(), schedule_notes(config, steps),
                            std::vector{precision_note(trainer.model_config().placement)}}) {
    for (const std::string& note : notes) {
      if (!note.empty()) progress.line(note);
    }
  }
}

nlohmann::json describe_start(const TrainOptions& options, const TrainingRun& trainer, int ranks) {
  nlohmann::json start = describe_machine();
  std::string command = "salutrain";
  for (const std::string& word : options.arguments) command += ' ' + shell_word(word);
  start["started"] = utc_time(std::time(nullptr));
  start["step"] = trainer.step();
  start["ranks"] = ranks;
  start["command"] = command;
  start["device"] = describe_placement(trainer.model_config().placement, options.device);
  start["devices"] = gpu::describe();
  return start;
}

/// Writes configuration and environment; on rank 0, after a resumed run has been restored.
void write_start(const TrainOptions& options, const TrainingRun& trainer, int ranks, const fs::path& path) {
  replace_file(real_files(), path / "config.toml", options.resolved_toml);
  add_start(path / "environment.json", describe_start(options, trainer, ranks), !options.resume.empty());
}

}  // namespace

int run_training(TrainOptions options) {
  TrainConfig& config = options.config;
  const auto ranks = connect_ranks({config.rank_timeout});
  const bool several = ranks->size() > 1, is_root = ranks->is_root();
  if (several) check_agreement(*ranks, settings_to_agree_on(options));
  set_num_threads(threads_of_rank(config.threads, *ranks));
  config.model.placement = open_device(options.device, ranks->local_rank());
  // Before the folder is created, so that a wrong name leaves none behind.
  TrainingRun trainer(config, *ranks);
  if (several) check_agreement(*ranks, data_to_agree_on(trainer.data()));
  install_stop_signals();  // before anything is on the disk: from here on a signal leaves a resumable run
  if (!options.resume.empty()) {
    trainer.resume({options.run_dir, options.checkpoint, options.allow_rank_change, !options.resume_opt});
  }
  std::optional<RunFolder> folder;
  const fs::path path = open_folder(options, trainer, *ranks, folder);
  std::optional<FileWriter> log;
  ProgressOptions progress_options;
  progress_options.style = is_root ? options.progress : ProgressStyle::none;
  progress_options.quiet = options.quiet;
  if (is_root) {
    log.emplace(real_files(), path / "log.txt", FileWriter::Mode::append);
    progress_options.log = &*log;
  }
  Progress progress(progress_options);
  trainer.attach(path, real_files(), progress);
  if (is_root) describe_run(options, trainer, *ranks, progress, *folder);
  if (is_root && !options.resume.empty()) {
    const std::string note = rate_note(trainer, read_run_options(options.run_dir).config, config);
    if (!note.empty()) progress.line(note);
  }
  if (is_root) write_start(options, trainer, ranks->size(), path);
  const TrainOutcome outcome = trainer.run();
  ranks->finish();
  // The other ranks exit with 0 even after a signal: their exit code would make mpirun kill rank 0, which
  // still writes.
  if (!is_root) return 0;
  if (options.report) report_run(config, trainer, outcome, path, progress);
  print_result(options, trainer, outcome, path, ranks->size());
  return stop_signal() ? 128 + stop_signal() : 0;
}

}  // namespace salu
