// SPDX-License-Identifier: MIT
/// salutrain: trains a network. `salutrain pack` and `salutrain verify` are about data sets, `salutrain
/// report` about a run.
#include <cmath>

#include "apps/benchmark.h"
#include "apps/cli.h"
#include "apps/data_commands.h"
#include "apps/device.h"
#include "apps/run_environment.h"
#include "apps/run_report.h"
#include "apps/train_options.h"
#include "core/parallel.h"
#include "data/stb.h"
#include "train/preview.h"
#include "train/signals.h"
#include "train/trainer.h"

namespace {

using namespace salu;

ProgressStyle style_of(const std::string& name) {
  if (name == "bar") return ProgressStyle::bar;
  if (name == "plain") return ProgressStyle::plain;
  return name == "none" ? ProgressStyle::none : ProgressStyle::automatic;
}

/// Pictures have the data set's own size unless --img-size says otherwise.
int print_summary(const TrainOptions& options) {
  ModelConfig config = options.config.model;
  const DataSplits data = open_dataset(options.config.data);
  config.num_classes = static_cast<std::int64_t>(data.train->class_names().size());
  config.img_size = options.config.img_size.value_or(data.img_size);
  const std::unique_ptr<Model> model = make_model(config);
  fmt::print("{}", summary_table(*model, config));
  return 0;
}

int write_preview(const TrainOptions& options) {
  const std::vector<std::uint8_t> png = stb::encode_png(augmentation_preview(options.config));
  replace_file(real_files(), options.aug_preview, {reinterpret_cast<const char*>(png.data()), png.size()});
  fmt::print("{}\n", shown(options.aug_preview));
  return 0;
}

void print_result(const TrainOptions& options, const Trainer& trainer, const TrainOutcome& outcome,
                  const std::filesystem::path& run_dir) {
  const std::string& split = trainer.data().eval_name;
  if (outcome.last.samples > 0) {
    fmt::print(" * Acc@1 {:.3f} ({:.3f}) Acc@5 {:.3f} loss {:.4f} on {} pictures of {}{}\n",
               outcome.last.top1(), 100 - outcome.last.top1(), outcome.last.top5(), outcome.last.loss(),
               outcome.last.samples, split,
               outcome.last_ema ? fmt::format(", ema {:.3f}", outcome.last_ema->top1()) : "");
  }
  if (outcome.best_epoch >= 0)
    fmt::print("best {}: {:.3f} at epoch {}\n", options.config.eval_metric, std::abs(outcome.best_score),
               outcome.best_epoch);
  if (outcome.no_gain) fmt::print("no gain in {} epochs: finished early\n", options.config.patience);
  if (outcome.finished) {
    const std::string data_dir =
        options.config.data.data_dir.empty() ? "" : " --data-dir " + shown(options.config.data.data_dir);
    fmt::print("score it: saluevaluate {} --dataset {}{}\n", shown(run_dir / "last"),
               options.config.data.dataset, data_dir);
  } else {
    fmt::print("stopped; go on with: salutrain --resume {}\n", shown(run_dir));
  }
}

int train(const TrainOptions& options) {
  TrainConfig config = options.config;
  set_num_threads(config.threads);
  config.model.placement = open_device(options.device);
  Trainer trainer(config);  // before the folder: a wrong name must not leave one behind
  RunFolderOptions folder_options;
  folder_options.dir = options.resume.empty() ? config.output : options.run_dir;
  folder_options.model = config.model.name;
  folder_options.image_size = static_cast<int>(trainer.model_config().img_size);
  folder_options.resume = !options.resume.empty();
  folder_options.overwrite = options.overwrite;
  install_stop_signals();  // before anything is on the disk: from here on a signal leaves a run to go on with
  RunFolder folder(folder_options);
  FileWriter log(real_files(), folder.path() / "log.txt", FileWriter::Mode::append);
  ProgressOptions progress_options;
  progress_options.style = style_of(options.progress);
  progress_options.quiet = options.quiet;
  progress_options.log = &log;
  Progress progress(progress_options);
  trainer.attach(folder, progress);
  progress.line(
      fmt::format("{} ({} parameters) on {}: {} pictures, {} classes; {} lr {:.4g} weight decay {:.3g}; "
                  "on {}; run folder {}",
                  config.model.name, trainer.model().store().count(), trainer.data().train->name(),
                  trainer.data().train->size(), trainer.data().train->class_names().size(), *config.opt,
                  *config.lr, *config.weight_decay,
                  describe_placement(config.model.placement, options.device), shown(folder.path())));
  progress.line("training pictures: " + describe_training(trainer.transform()));
  if (!trainer.initial_note().empty()) progress.line(trainer.initial_note());
  if (!options.resume.empty()) trainer.resume(options.checkpoint);
  replace_file(real_files(), folder.path() / "config.toml", options.resolved_toml);
  add_start(folder.path() / "environment.json", describe_start(options, trainer), !options.resume.empty());
  const TrainOutcome outcome = trainer.run();
  if (options.report) report_run(config, trainer, outcome, folder.path(), progress);
  print_result(options, trainer, outcome, folder.path());
  return stop_signal() ? 128 + stop_signal() : 0;
}

}  // namespace

int main(int argc, char** argv) {
  return salu::run_program("salutrain", [&] {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments[0] == "pack") return pack_command({argv + 2, argv + argc});
    if (!arguments.empty() && arguments[0] == "verify") return verify_command({argv + 2, argv + argc});
    if (!arguments.empty() && arguments[0] == "report") return report_command({argv + 2, argv + argc});
    const auto options = read_train_options(arguments);
    if (!options) return 0;
    if (options->list_models) {
      for (const std::string& name : model_names()) fmt::print("{}\n", name);
      return 0;
    }
    if (options->print_config) {
      fmt::print("{}", options->resolved_toml);
      return 0;
    }
    if (options->check) return print_check(options->device);
    if (!options->aug_preview.empty()) return write_preview(*options);
    if (options->benchmark > 0) return print_benchmark(*options);
    return options->summary ? print_summary(*options) : train(*options);
  });
}
