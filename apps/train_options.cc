// SPDX-License-Identifier: MIT
#include "apps/train_options.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "apps/augmentation_options.h"
#include "apps/cli.h"
#include "apps/optimisation_options.h"
#include "apps/ranks.h"
#include "apps/resume_options.h"
#include "core/file_ops.h"
#include "core/text.h"
#include "layers/norm_act.h"
#include "run/checkpoint.h"
#include "run/interchange/interop.h"

namespace salu {
namespace {

constexpr long long kMaxCount = 1LL << 40;

void add_common(CLI::App& app, TrainOptions& o) {
  TrainConfig& c = o.config;
  app.set_config("-c,--config", "", "read settings from a TOML file; flags win over it")
      ->check(regular_file())
      ->group("Common");
  const auto add = [&](CLI::Option* option) { option->group("Common")->capture_default_str(); };
  add(app.add_option(
      "--dataset", c.data.dataset,
      "shapes (built in), cifar10, cifar100, folder, packed, synthetic (random, for measuring)"));
  add(app.add_option("--data-dir", c.data.data_dir, "where the data set lies; packed: the file"));
  add(app.add_option("--model", c.model.name, "network; --list-models names them"));
  add(app.add_option("--epochs", c.epochs, "passes over the training pictures")
          ->check(whole_number(1, 1000000)));
  add(app.add_option("-b,--batch-size", c.batch_size,
                     "pictures that go through the network at once, on all ranks together")
          ->check(whole_number(1, 1048576)));
  add(app.add_option("--seed", c.seed, "same seed, same result")->check(whole_number(0, INT64_MAX)));
  add(app.add_option("--threads", c.threads, "CPU threads, 0: all cores; the result does not depend on it")
          ->check(whole_number(0, 1024)));
  CLI::Option* output =
      app.add_option("--output", c.output, "run folder (default runs/<time>-<model>-<size>)");
  output->group("Common")->configurable(false);
  CLI::Option* experiment = app.add_option_function<std::string>(
      "--experiment", [&c](const std::string& name) { c.output = std::filesystem::path("runs") / name; },
      "run folder runs/NAME");
  experiment->check(plain_name())->excludes(output)->group("Common")->configurable(false);
  app.add_flag("--check", o.check, "print what was built and found, test the device, and stop")
      ->group("Device")
      ->configurable(false);
  CLI::Option* benchmark = app.add_option("--benchmark", o.benchmark,
                                          "time so many training steps, print pictures per second, and stop");
  benchmark->check(whole_number(1, 1000000))->group("Common")->configurable(false);
  app.add_option("--overfit-batch", o.overfit_batch,
                 "train so many steps on one batch, without augmentation; say whether it was learned; stop")
      ->check(whole_number(2, 1000000))
      ->group("Common")
      ->configurable(false);
  app.add_flag("--dry-run", o.dry_run, "go through everything once, say how long a run will take, and stop")
      ->group("Common")
      ->configurable(false);
  app.add_flag("--json", o.json, "--benchmark: print a JSON object")->group("Output")->configurable(false);
  app.add_flag("--profile", o.profile, "--benchmark: time of each op")
      ->needs(benchmark)
      ->group("Output")
      ->configurable(false);
  add_switch(app, "--graph", o.config.graph,
             "cuda, true: the step is recorded once and replayed, false: queued kernel by kernel")
      ->group("Device");
  CLI::Option* resume = app.add_option("--resume", o.resume, "continue the run in this folder, bit for bit");
  resume->excludes(output, experiment)->group("Common")->configurable(false);
  app.add_flag("--no-resume-opt", o.fresh_optimizer,
               "--resume: with an optimizer that starts anew; its flags may change")
      ->needs(resume)
      ->group("Optimisation")
      ->configurable(false);
}

void add_data(CLI::App& app, TrainOptions& o) {
  TrainConfig& c = o.config;
  const auto add = [&](CLI::Option* option) { option->group("Data")->capture_default_str(); };
  add(app.add_option("--train-split", c.data.train_split, "folder: where its training pictures lie")
          ->check(plain_name()));
  add_optional(app, "--val-split", c.data.val_split,
               "folder: where those to score lie (default val, validation, valid or test)")
      ->check(plain_name())
      ->group("Data");
  add(app.add_option("--val-from-train", c.data.val_from_train,
                     "hold out so many training pictures for validation; a test set chooses nothing")
          ->check(whole_number(0, kMaxCount)));
  add(app.add_option("--train-num-samples", c.data.train_num_samples, "use only so many, 0: all")
          ->check(whole_number(0, kMaxCount)));
  add(app.add_option("--val-num-samples", c.data.val_num_samples, "score only so many, 0: all")
          ->check(whole_number(0, kMaxCount)));
  add(app.add_option("-j,--workers", c.workers, "loader threads, -1: one per core, at most 4; 0: none")
          ->check(whole_number(-1, 256)));
  add(app.add_option("--bad-images", c.bad_images,
                     "stop, skip: pass over unreadable pictures, up to --max-bad of them")
          ->check(CLI::IsMember({"stop", "skip"})));
  add(app.add_option("--max-bad", c.max_bad,
                     "skip: percent of the pictures that may be unreadable; above 0, one may be")
          ->check(real_number(0, false, 100)));
  add(app.add_option("--validation-batch-size", c.validation_batch_size, "pictures per evaluation step")
          ->check(whole_number(1, 1048576)));
  const auto preprocessing = [&](CLI::Option* option) { return option->group("Data"); };
  preprocessing(add_optional(app, "--interpolation", c.interpolation, "of evaluation: bilinear, bicubic"))
      ->check(CLI::IsMember({"bilinear", "bicubic"}));
  preprocessing(add_rgb(app, "--mean", c.mean, "of red, green, blue in 0..1; the data set's by default"))
      ->check(real_number(-10, false));
  preprocessing(add_rgb(app, "--std", c.std, "likewise"))->check(real_number(0, true));
}

void add_model(CLI::App& app, TrainOptions& o) {
  TrainConfig& c = o.config;
  const auto add = [&](CLI::Option* option) { option->group("Model"); };
  add(add_optional(app, "--norm", c.model.norm, fmt::format("{}", fmt::join(norm_names(), ", "))));
  add(add_optional(app, "--act", c.model.act, fmt::format("{}", fmt::join(act_names(), ", "))));
  add(add_optional(app, "--positive", c.model.positive, "how a and b are stored: exp, softplus, log_sw"));
  add(add_optional(app, "--stabilizer-a", c.model.stabilizer_a, "initial a of SALU")
          ->check(real_number(0, true)));
  add(add_optional(app, "--stabilizer-b", c.model.stabilizer_b, "initial b of SALU")
          ->check(real_number(0, true)));
  add(add_optional(app, "--gate-a", c.model.gate_a, "initial a of the gates")->check(real_number(0, true)));
  add(add_optional(app, "--gate-b", c.model.gate_b, "initial b of the gates")->check(real_number(0, true)));
  add(add_optional(app, "--weight-init", c.model.weight_init, "he_fan_in, he_fan_out, lecun, framework"));
  add(add_optional(app, "--head-init", c.model.head_init,
                   "framework (PyTorch's) or small_normal (sd 0.01); ResNets"));
  add(add_optional(app, "--head-bias", c.model.head_bias,
                   "initial bias of the classifier; --bce-loss: -log(classes - 1)")
          ->check(real_number(-1000, false)));
  add(add_optional(app, "--stem", c.model.stem, "cifar (3x3) or imagenet (7x7, pooling); by picture size"));
  add(app.add_option(
      "--initial-checkpoint", c.initial_checkpoint,
      "start from these weights: a run or checkpoint of ours, a folder of timm's, a .safetensors"));
  add(add_optional(app, "--img-size", c.img_size, "picture side; the data set's by default")
          ->check(whole_number(1, 16384)));
  add(add_optional(app, "--num-classes", c.num_classes, "of --dataset synthetic (10)")
          ->check(whole_number(2, 100000)));
  app.add_flag("--list-models", o.list_models, "print the names and stop")
      ->group("Model")
      ->configurable(false);
  app.add_flag("--summary", o.summary, "print layers, parameters, FLOPs and stop")
      ->group("Model")
      ->configurable(false);
}

void add_output(CLI::App& app, TrainOptions& o) {
  TrainConfig& c = o.config;
  const auto add = [&](CLI::Option* option) { option->group("Output"); };
  add(app.add_option("--checkpoint-hist", c.checkpoint_hist,
                     "checkpoints of epochs to keep beside last and best")
          ->check(whole_number(1, 1000000))
          ->capture_default_str());
  add(app.add_option("--recovery-interval", c.recovery_interval,
                     "steps between checkpoints inside an epoch, 0: none")
          ->check(whole_number(0, kMaxCount))
          ->capture_default_str());
  add(app.add_option("--val-interval", c.val_interval, "score after every so many epochs, and after the last")
          ->check(whole_number(1, 1000000))
          ->capture_default_str());
  add(app.add_option("--eval-metric", c.eval_metric, "what makes an epoch the best one: top1, top5, loss")
          ->capture_default_str());
  add(app.add_option("--patience", c.patience,
                     "stop after so many epochs without a gain on the validation pictures, 0: never")
          ->check(whole_number(0, 1000000))
          ->capture_default_str());
  add(app.add_option("--min-delta", c.min_delta, "a gain is more than this")
          ->check(real_number(0, false))
          ->capture_default_str());
  add(app.add_option("--log-interval", c.log_interval, "steps between rows of metrics.jsonl")
          ->check(whole_number(1, 1000000000))
          ->capture_default_str());
  add(app.add_flag("--overwrite", o.overwrite, "replace an earlier run in --output")
          ->excludes(app.get_option("--resume"))
          ->configurable(false));
  add(app.add_option("--max-seconds", c.max_seconds, "stop after so long, with a checkpoint; 0: no limit")
          ->check(real_number(0, false))
          ->configurable(false));
  add(app.add_option("--max-steps", c.max_steps, "stop after this step, with a checkpoint; 0: no limit")
          ->check(whole_number(0, kMaxCount))
          ->configurable(false));
  add(app.add_option("--progress", o.progress, "auto, bar, plain, none")
          ->check(CLI::IsMember({"auto", "bar", "plain", "none"}))
          ->configurable(false));
  add(add_switch(app, "--report", o.report, "write report.html at the end of the run")->configurable(false));
  add(app.add_flag("-q,--quiet", o.quiet, "nothing on stderr but errors")->configurable(false));
  add(app.add_flag("--print-config", o.print_config, "print every setting as TOML and stop")
          ->configurable(false));
}

void register_options(CLI::App& app, TrainOptions& options) {
  add_common(app, options);
  add_device_options(app, options.device);
  add_data(app, options);
  add_model(app, options);
  add_optimisation_options(app, options.config);
  add_augmentation_options(app, options);
  add_output(app, options);
  add_rank_options(app, options);
  finish_app(app,
             "\nExamples:\n"
             "  salutrain --dataset shapes --model salunet_c8 --epochs 5\n"
             "  salutrain -c recipes/cifar10_c20_quick.toml --data-dir DIR\n"
             "  salutrain --resume runs/20260801-101500-salunet_c8-32\n"
             "  mpirun -n 2 salutrain --dataset shapes --model salunet_c8\n"
             "\nData sets:\n"
             "  salutrain verify DIR           what is wrong with it\n"
             "  salutrain pack DIR OUT.pack    one file, decoded and reduced, for --dataset packed\n"
             "\nRuns:\n"
             "  salutrain report RUN           one page about it, also while it goes on\n");
}

/// Every setting as it is used, once resolve() has run.
std::string to_toml(CLI::App& app, const TrainOptions& options) {
  const TrainConfig& c = options.config;
  const auto set = [&](const char* name, const std::string& value) {
    app.get_option(name)->default_str(value);
  };
  set("--opt", *c.opt);
  set("--lr", c.lr_base ? "" : fmt::format("{}", *c.lr));
  set("--weight-decay", fmt::format("{}", *c.weight_decay));
  set("--coef-lr-scale", fmt::format("{}", *c.coef_lr_scale));
  set("--opt-eps", fmt::format("{}", *c.opt_eps));
  set("--clip-grad", fmt::format("{}", *c.clip_grad));
  set("--min-lr", fmt::format("{}", *c.min_lr));
  set("--warmup-lr", fmt::format("{}", *c.warmup_lr));
  set("--warmup-epochs", fmt::format("{}", *c.warmup_epochs));
  set("--workers", std::to_string(c.workers));
  set("--precision", options.device.precision);
  const auto put = [&](const char* name, const std::string& value) {
    CLI::Option* option = app.get_option(name);
    option->clear();
    option->add_result(value);
  };
  if (!c.data.data_dir.empty()) put("--data-dir", c.data.data_dir);
  if (!c.initial_checkpoint.empty()) put("--initial-checkpoint", c.initial_checkpoint.string());
  // CLI11 would write a default pair as a string, and with six digits.
  for (const auto& [name, pair] :
       {std::pair{"--scale", c.scale}, std::pair{"--ratio", c.ratio},
        std::pair{"--cutmix-minmax", c.cutmix_minmax}, std::pair{"--opt-betas", c.opt_betas}}) {
    if (CLI::Option* option = app.get_option(name); option->count() == 0) {
      option->add_result(fmt::format("{}", pair[0]));
      option->add_result(fmt::format("{}", pair[1]));
    }
  }
  return settings_as_toml(app);
}

/// Flags for what --initial-checkpoint decides and the command line leaves open, so that they stand in the
/// run's own configuration.
std::vector<std::string> inherited_flags(const TrainConfig& c) {
  const std::string file = shown(c.initial_checkpoint);
  Checkpoint checkpoint = load_checkpoint(c.initial_checkpoint);
  checkpoint.model = native_names(std::move(checkpoint.model));
  const ModelCard card = card_of(checkpoint, c.model.name, file);
  std::vector<std::string> flags;
  const auto add = [&](const char* flag, const std::array<float, 3>& values) {
    flags.push_back(flag);
    for (const float v : values) flags.push_back(fmt::format("{}", v));
  };
  if (!c.mean) add("--mean", card.mean);
  if (!c.std) add("--std", card.std);
  if (!c.interpolation) flags.insert(flags.end(), {"--interpolation", name_of(card.interpolation)});
  ModelConfig stemmed = c.model;
  stemmed.stem = stem_of(card.model);
  if (!c.model.stem && unused_setting(stemmed) != "--stem")
    flags.insert(flags.end(), {"--stem", *stemmed.stem});
  return flags;
}

}  // namespace

TrainCommandLine::TrainCommandLine() { register_options(app_, options_); }

bool TrainCommandLine::parse(const std::vector<std::string>& arguments) {
  options_ = TrainOptions();
  if (!parse_arguments(app_, arguments)) return false;
  options_.given = given_arguments(app_);
  return true;
}

const TrainOptions& TrainCommandLine::resolve() {
  TrainConfig& config = options_.config;
  config.resolve();
  // A run is resumed and scored from other folders as well.
  if (!config.data.data_dir.empty()) config.data.data_dir = absolute(config.data.data_dir);
  if (!config.initial_checkpoint.empty()) config.initial_checkpoint = absolute(config.initial_checkpoint);
  options_.resolved_toml = to_toml(app_, options_);
  return options_;
}

TrainOptions TrainCommandLine::read_run(const std::filesystem::path& folder) {
  read_environment(app_, false);
  parse({"--config", (folder / "config.toml").string()});
  return resolve();
}

std::optional<TrainOptions> TrainCommandLine::read(const std::vector<std::string>& arguments) {
  const bool resumes = std::ranges::any_of(
      arguments, [](const std::string& a) { return a == "--resume" || a.starts_with("--resume="); });
  read_environment(app_, !resumes);  // a run that is resumed has its settings
  if (!parse(arguments)) return std::nullopt;
  TrainOptions options = options_;
  if (resumes) {
    options = merge_run(std::move(options));
  } else {
    if (!options.config.initial_checkpoint.empty()) {
      std::vector<std::string> all = arguments, more = inherited_flags(options.config);
      all.insert(all.end(), more.begin(), more.end());
      parse(all);
    }
    options = resolve();
    options.config.refuse_idle_cooldown();
  }
  options.arguments = arguments;
  return options;
}

TrainOptions TrainCommandLine::merge_run(TrainOptions asked) {
  if (!asked.config.initial_checkpoint.empty()) {
    fail(ErrorCode::usage,
         "--resume and --initial-checkpoint are mutually exclusive: a resumed run goes on with its own "
         "weights. Leave one out");
  }
  split_resume_path(asked);
  const std::filesystem::path config = asked.run_dir / "config.toml";
  if (!std::filesystem::exists(config)) {
    fail(ErrorCode::checkpoint,
         "--resume {}: no run is there (config.toml is missing). Give the folder that an earlier "
         "run printed",
         escaped(asked.resume));
  }
  const CheckpointStore store(asked.run_dir);
  if (asked.checkpoint == "last" && !store.newest()) {
    fail(ErrorCode::checkpoint, "{}. Start the run again: salutrain -c {} --output {} --overwrite",
         store.none_text(), shell_word(config.string()), shell_word(asked.run_dir.string()));
  }
  const std::string before = read_run(asked.run_dir).resolved_toml;
  std::vector<std::string> merged{"--config", config.string()};
  merged.insert(merged.end(), asked.given.begin(), asked.given.end());
  parse(merged);
  TrainOptions after = resolve();
  refuse_changes(asked, before, after.resolved_toml);
  after.config.initial_checkpoint.clear();  // the run's own checkpoint takes its place
  after.run_dir = asked.run_dir;
  after.checkpoint = asked.checkpoint;
  return after;
}

}  // namespace salu
