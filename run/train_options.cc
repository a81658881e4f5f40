// SPDX-License-Identifier: MIT
#include "run/train_options.h"

#include "core/file_ops.h"
#include "run/checkpoint.h"
#include "run/interchange/interop.h"
#include "run/resume_rules.h"
#include "run/settings_file.h"

namespace salu {
namespace {

void append(std::vector<Given>& given, std::vector<Given> more) {
  given.insert(given.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

TrainOptions read_given(const std::vector<Given>& given) {
  TrainOptions options;
  train_settings(options).read(given);
  return options;
}

/// Takes from the weights to start from what the user leaves open, so that it stands in the run's own
/// configuration.
void inherit(TrainConfig& c) {
  const std::string file = shown(c.initial_checkpoint);
  Checkpoint checkpoint = load_checkpoint(c.initial_checkpoint);
  checkpoint.model = native_names(std::move(checkpoint.model));
  const ModelCard card = card_of(checkpoint, c.model.name, file);
  c.mean = c.mean.value_or(card.mean);
  c.std = c.std.value_or(card.std);
  c.interpolation = c.interpolation.value_or(card.interpolation);
  if (c.model.stem) return;
  c.model.stem = stem_of(card.model);
  if (unused_setting(c.model) == "--stem") c.model.stem.reset();
}

/// Fills in what was left out. A run is resumed and scored from other folders as well: its paths are
/// absolute.
void resolve(TrainOptions& options) {
  TrainConfig& c = options.config;
  c.resolve();
  if (!c.data.data_dir.empty()) c.data.data_dir = absolute(c.data.data_dir);
  if (!c.initial_checkpoint.empty()) c.initial_checkpoint = absolute(c.initial_checkpoint);
  options.resolved_toml = settings_as_toml(train_settings(options));
}

/// The settings of the run, and those asked for beside them.
TrainOptions merge_run(const std::vector<Given>& given) {
  TrainOptions asked = read_given(given);
  if (!asked.config.initial_checkpoint.empty()) {
    fail(ErrorCode::usage,
         "--resume and --initial-checkpoint are mutually exclusive: a resumed run goes on with its own "
         "weights. Leave one out");
  }
  find_run(asked);
  check_checkpoint(asked);
  TrainOptions before = read_run_options(asked.run_dir);
  std::vector<Given> all = given;
  append(all, settings_in_file(asked.run_dir / "config.toml"));
  TrainOptions now = read_given(all);
  resolve(now);
  refuse_changes(before, now);
  now.config.initial_checkpoint.clear();  // the run's own checkpoint takes its place
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
  options.config.refuse_idle_cooldown();
  return options;
}

TrainOptions read_run_options(const std::filesystem::path& folder) {
  TrainOptions options = read_given(settings_in_file(folder / "config.toml"));
  resolve(options);
  return options;
}

}  // namespace salu
