// SPDX-License-Identifier: MIT
/// salutrain: trains a network. `salutrain pack` and `salutrain verify` are about data sets, `salutrain
/// report` about a run.
#include <cmath>
#include <optional>

#include "apps/benchmark.h"
#include "apps/cli.h"
#include "apps/data_commands.h"
#include "apps/device.h"
#include "apps/ranks.h"
#include "apps/run_environment.h"
#include "apps/run_report.h"
#include "apps/sanity.h"
#include "apps/train_options.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/codecs.h"
#include "run/run_folder.h"
#include "run/run_start.h"
#include "run/training_run.h"
#include "run/trials.h"
#include "train/ranks/rank_checks.h"
#include "train/signals.h"

namespace {

using namespace salu;

ProgressStyle style_of(const std::string& name) {
  if (name == "bar") return ProgressStyle::bar;
  if (name == "plain") return ProgressStyle::plain;
  return name == "none" ? ProgressStyle::none : ProgressStyle::automatic;
}

int print_summary(const TrainOptions& options) {
  const RunStart start = run_start(options.config);
  fmt::print("{}", summary_table(*start.model, start.card.model));
  return 0;
}

int write_preview(const TrainOptions& options) {
  const std::vector<std::uint8_t> png = stb::encode_png(augmentation_preview(options.config));
  replace_file(real_files(), options.aug_preview, {reinterpret_cast<const char*>(png.data()), png.size()});
  fmt::print("{}\n", shown(options.aug_preview));
  return 0;
}

void print_result(const TrainOptions& options, const TrainingRun& trainer, const TrainOutcome& outcome,
                  const std::filesystem::path& run_dir, int ranks) {
  const std::string& split = trainer.data().eval_name;
  if (outcome.last.samples > 0) {
    fmt::print(" * Acc@1 {:.3f} ({:.3f}) Acc@5 {:.3f} loss {:.4f} on {} pictures of {}{}\n",
               outcome.last.top1(), 100 - outcome.last.top1(), outcome.last.top5(), outcome.last.loss(),
               outcome.last.samples, split,
               outcome.last_ema ? fmt::format(", ema {:.3f}", outcome.last_ema->top1()) : "");
  }
  if (outcome.best_epoch >= 0)
    fmt::print("best {}{}: {:.3f} at epoch {}\n", options.config.eval_metric,
               options.config.model_ema ? " (ema)" : "", std::abs(outcome.best_score), outcome.best_epoch);
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

/// Rank 0 makes or opens the run folder; all get its path.
std::filesystem::path open_folder(const TrainOptions& options, TrainingRun& trainer, Communicator& ranks,
                                  std::optional<RunFolder>& folder) {
  std::string path;
  if (ranks.is_root()) {
    RunFolderOptions o;
    const bool same_folder = !options.resume.empty() && options.config.output.empty();
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

/// Where a resumed run goes on at another learning rate than its schedule had foreseen, or "".
std::string rate_note(const TrainingRun& trainer, const TrainConfig& before, const TrainConfig& now) {
  const double next = trainer.lr_under(now, trainer.step());
  if (next == trainer.lr_under(before, trainer.step())) return "";
  return fmt::format("learning rate: {:.4g} at the end of the run so far, now {:.4g} ({} over {} epoch{})",
                     trainer.lr_under(before, std::max<std::int64_t>(trainer.step() - 1, 0)), next, now.sched,
                     now.epochs, now.epochs == 1 ? "" : "s");
}

/// About a warm-up that is as long as the run, or "".
std::string warmup_note(const TrainConfig& config, std::int64_t steps_per_epoch) {
  const std::int64_t epochs = config.total_epochs();
  const double last = learning_rate(config.schedule(steps_per_epoch), epochs * steps_per_epoch - 1);
  if (*config.warmup_epochs < static_cast<double>(epochs) || last >= *config.lr) return "";
  return fmt::format(
      "warning: --warmup-epochs {}: the run has {} epoch{} and ends at a learning rate of {:.4g}, "
      "{:.4g} is never reached",
      *config.warmup_epochs, epochs, epochs == 1 ? "" : "s", last, *config.lr);
}

void describe_run(const TrainOptions& options, TrainingRun& trainer, const Communicator& ranks,
                  Progress& progress, const std::filesystem::path& folder) {
  const TrainConfig& config = options.config;
  const std::int64_t size = trainer.data().train->size(), steps = size / config.pictures_per_step(),
                     seen = steps * config.pictures_per_step();
  progress.line(
      fmt::format("{} ({} parameters) on {}: {} pictures{}, {} classes; {} lr {:.4g} weight decay {:.3g}; "
                  "on {}; run folder {}",
                  config.model.name, trainer.model().store().count(), trainer.data().train->name(), size,
                  seen < size ? fmt::format(" ({} of them in an epoch)", seen) : "",
                  trainer.data().train->class_names().size(), *config.opt, *config.lr, *config.weight_decay,
                  describe_placement(trainer.model_config().placement, options.device), shown(folder)));
  if (ranks.size() > 1) progress.line(describe_ranks(ranks, config, trainer.trainer().exchange()));
  std::string pictures = describe_training(trainer.transform());
  if (config.aug_repeats > 1) pictures += fmt::format(", each {} times", config.aug_repeats);
  if (config.mixing().enabled()) pictures += ", " + describe_mixing(config.mixing());
  progress.line("training pictures: " + pictures);
  for (const std::string& note : {trainer.initial_note(), warmup_note(config, steps)}) {
    if (!note.empty()) progress.line(note);
  }
}

int train(const TrainOptions& options) {
  TrainConfig config = options.config;
  const auto ranks = connect_ranks({config.rank_timeout});
  const bool several = ranks->size() > 1;
  if (several) check_agreement(*ranks, settings_to_agree_on(options));
  set_num_threads(threads_of_rank(config.threads, *ranks));
  config.model.placement = open_device(options.device, ranks->local_rank());
  TrainingRun trainer(config, *ranks);  // before the folder: a wrong name must not leave one behind
  if (several) check_agreement(*ranks, data_to_agree_on(trainer.data()));
  install_stop_signals();  // before anything is on the disk: from here on a signal leaves a run to go on with
  if (!options.resume.empty()) {
    trainer.resume({options.run_dir, options.checkpoint, options.allow_rank_change, options.fresh_optimizer});
  }
  std::optional<RunFolder> folder;
  const std::filesystem::path path = open_folder(options, trainer, *ranks, folder);
  std::optional<FileWriter> log;
  ProgressOptions progress_options;
  progress_options.style = ranks->is_root() ? style_of(options.progress) : ProgressStyle::none;
  progress_options.quiet = options.quiet;
  if (ranks->is_root()) {
    log.emplace(real_files(), path / "log.txt", FileWriter::Mode::append);
    progress_options.log = &*log;
  }
  Progress progress(progress_options);
  trainer.attach(path, real_files(), progress);
  if (ranks->is_root()) describe_run(options, trainer, *ranks, progress, path);
  if (ranks->is_root() && !options.resume.empty()) {
    const std::string note = rate_note(trainer, TrainCommandLine().read_run(options.run_dir).config, config);
    if (!note.empty()) progress.line(note);
  }
  if (ranks->is_root()) {
    replace_file(real_files(), path / "config.toml", options.resolved_toml);
    add_start(path / "environment.json", describe_start(options, trainer, ranks->size()),
              !options.resume.empty());
  }
  const TrainOutcome outcome = trainer.run();
  ranks->finish();
  // The others end well even when a signal stopped the run: their exit code would make mpirun end rank 0,
  // which has yet to write.
  if (!ranks->is_root()) return 0;
  if (options.report) report_run(config, trainer, outcome, path, progress);
  print_result(options, trainer, outcome, path, ranks->size());
  return stop_signal() ? 128 + stop_signal() : 0;
}

}  // namespace

int main(int argc, char** argv) {
  return salu::run_program("salutrain", [&] {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments[0] == "pack") return pack_command({argv + 2, argv + argc});
    if (!arguments.empty() && arguments[0] == "verify") return verify_command({argv + 2, argv + argc});
    if (!arguments.empty() && arguments[0] == "report") return report_command({argv + 2, argv + argc});
    const auto options = TrainCommandLine().read(arguments);
    if (!options) return 0;
    if (options->list_models) {
      for (const std::string& name : model_names()) {
        const std::string aliases = aliases_of(name);
        fmt::print("{}{}\n", name, aliases.empty() ? "" : " (" + aliases + ")");
      }
      return 0;
    }
    if (options->print_config) {
      fmt::print("{}", options->resolved_toml);
      return 0;
    }
    if (options->check) return print_check(options->device);
    if (!options->aug_preview.empty()) return write_preview(*options);
    if (options->benchmark > 0) return print_benchmark(*options);
    if (options->overfit_batch > 0) return print_overfit(*options);
    if (options->dry_run) return print_dry_run(*options);
    return options->summary ? print_summary(*options) : train(*options);
  });
}
