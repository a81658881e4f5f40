// SPDX-License-Identifier: MIT
#include "run/train_options.h"

#include <fmt/ranges.h>

#include "core/file_ops.h"
#include "core/text.h"
#include "run/checkpoint.h"
#include "run/interchange/pytorch.h"
#include "run/settings_file.h"

namespace salu {
namespace {

std::string value_text(const Setting& setting, const char* left_out) {
  const Words words = setting.words();
  return words.empty() ? left_out : fmt::format("{}", fmt::join(words, " "));
}

bool may_differ(const Setting& setting, const TrainOptions& now) {
  return setting.is_action || setting.on_resume == OnResume::free ||
         (setting.on_resume == OnResume::with_fresh_optimizer && !now.resume_opt);
}

void append(std::vector<Given>& given, std::vector<Given> more) {
  given.insert(given.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

TrainOptions read_given(const std::vector<Given>& given) {
  TrainOptions options;
  train_settings(options).read(given);
  return options;
}

/// Takes unset values from the initial weights, so that the run's own configuration contains them.
void inherit(TrainConfig& c) {
  const std::string file = shown(c.initial_checkpoint);
  Checkpoint checkpoint = load_checkpoint(c.initial_checkpoint);
  checkpoint.model = native_names(std::move(checkpoint.model));
  const ModelCard card = card_of(checkpoint, c.model.name, file);
  c.mean = c.mean.value_or(card.mean);
  c.std = c.std.value_or(card.std);
  c.interpolation = c.interpolation.value_or(card.interpolation);
  c.crop_pct = c.crop_pct.value_or(card.crop_pct);
  if (c.model.stem) return;
  c.model.stem = stem_of(card.model);
  if (unused_setting(c.model) == "--stem") c.model.stem.reset();
}

/// Fills in unset values. Paths become absolute, because a run is also resumed and scored from other folders.
void resolve(TrainOptions& options) {
  TrainConfig& c = options.config;
  c.resolve();
  options.device.activations = precision_of(options.device);
  if (!c.data.data_dir.empty()) c.data.data_dir = absolute(c.data.data_dir);
  if (!c.initial_checkpoint.empty()) c.initial_checkpoint = absolute(c.initial_checkpoint);
  options.resolved_toml = settings_as_toml(train_settings(options));
}

/// Splits options.resume (a run, its checkpoints folder, a checkpoint, last or best) into options.run_dir and
/// options.checkpoint.
void find_run(TrainOptions& o) {
  std::filesystem::path path = o.resume;
  if (path.filename().empty()) path = path.parent_path();
  o.run_dir = path;
  if (!std::filesystem::exists(path / "config.toml")) {
    const std::filesystem::path parent = path.parent_path();
    if (path.filename() == "checkpoints") {
      o.run_dir = parent;
    } else {
      o.checkpoint = path.filename().string();
      o.run_dir = parent.filename() == "checkpoints" ? parent.parent_path() : parent;
    }
  }
  if (!std::filesystem::exists(o.run_dir / "config.toml")) {
    fail(ErrorCode::checkpoint,
         "--resume {}: no run is there (config.toml is missing). Give the folder that an earlier run printed",
         o.resume);
  }
  const CheckpointStore store(o.run_dir);
  if (o.checkpoint == "last" && !store.newest()) {
    fail(ErrorCode::checkpoint, "{}. Start the run again: salutrain -c {} --output {} --overwrite",
         store.none_text(), shell_word((o.run_dir / "config.toml").string()), shell_word(o.run_dir.string()));
  }
}

/// The settings of the run, overridden by those given.
TrainOptions merge_run(const std::vector<Given>& given) {
  TrainOptions asked = read_given(given);
  if (!asked.config.initial_checkpoint.empty()) {
    fail(ErrorCode::usage,
         "--resume and --initial-checkpoint are mutually exclusive: a resumed run goes on with its own "
         "weights. Leave one out");
  }
  find_run(asked);
  TrainOptions before = read_run_options(asked.run_dir);
  std::vector<Given> all = given, of_run = settings_in_file(asked.run_dir / "config.toml");
  for (Given& g : of_run) g.file.clear();  // -c may name the same file
  append(all, std::move(of_run));
  TrainOptions now = read_given(all);
  resolve(now);
  refuse_changes(before, now);
  if (!now.resume_opt) now.config.refuse_odd_schedule();
  now.config.initial_checkpoint.clear();  // replaced by the run's own checkpoint
  now.run_dir = asked.run_dir;
  now.checkpoint = asked.checkpoint;
  return now;
}

}  // namespace

TrainOptions read_train_options(std::vector<Given> given) {
  TrainOptions options;
  Settings table = train_settings(options);
  if (const auto config = std::ranges::find_if(
          given, [&](const Given& g) { return table.find(g.key) == table.find("config"); });
      config != given.end()) {
    static_cast<void>(read_text(*table.find("config"), config->words.at(0)));
    append(given, settings_in_file(config->words[0]));
  }
  if (table.has(given, "resume")) return merge_run(given);
  append(given, settings_in_environment(table));
  table.read(given);
  if (!options.config.initial_checkpoint.empty()) inherit(options.config);
  resolve(options);
  options.config.refuse_odd_schedule();
  return options;
}

TrainOptions read_run_options(const std::filesystem::path& folder) {
  TrainOptions options = read_given(settings_in_file(folder / "config.toml"));
  resolve(options);
  return options;
}

void refuse_changes(TrainOptions& before, TrainOptions& now) {
  const Settings old_table = train_settings(before), new_table = train_settings(now);
  for (std::size_t i = 0; i < new_table.rows().size(); ++i) {
    const Setting &was = old_table.rows()[i], &is = new_table.rows()[i];
    if (may_differ(is, now) || is.words() == was.words()) continue;
    fail(ErrorCode::checkpoint,
         "--resume {}: {} is {} in that run, {} is asked for. Leave it out, or start a new run with --output",
         now.resume, is.flag(), value_text(was, "not set"), value_text(is, "none"));
  }
  if (now.config.epochs < before.config.epochs) {
    fail(ErrorCode::checkpoint,
         "--resume {}: --epochs is {} in that run, {} is asked for; expected as many or more. To end it "
         "sooner, use --max-steps or --max-seconds",
         now.resume, before.config.epochs, now.config.epochs);
  }
}

}  // namespace salu
