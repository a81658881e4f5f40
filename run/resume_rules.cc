// SPDX-License-Identifier: MIT
#include "run/resume_rules.h"

#include <fmt/ranges.h>

#include "core/file_ops.h"
#include "core/text.h"
#include "run/checkpoint.h"

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

}  // namespace

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
         escaped(o.resume));
  }
}

void check_checkpoint(const TrainOptions& o) {
  const CheckpointStore store(o.run_dir);
  const auto newest = store.newest();
  if (o.checkpoint == "last" && !newest) {
    fail(ErrorCode::checkpoint, "{}. Start the run again: salutrain -c {} --output {} --overwrite",
         store.none_text(), shell_word((o.run_dir / "config.toml").string()), shell_word(o.run_dir.string()));
  }
}

void refuse_changes(TrainOptions& before, TrainOptions& now) {
  const Settings old_table = train_settings(before), new_table = train_settings(now);
  for (std::size_t i = 0; i < new_table.rows().size(); ++i) {
    const Setting &was = old_table.rows()[i], &is = new_table.rows()[i];
    if (may_differ(is, now) || is.words() == was.words()) continue;
    fail(ErrorCode::checkpoint,
         "--resume {}: {} is {} in that run, {} is asked for. Leave it out, or start a new run with --output",
         escaped(now.resume), is.flag(), value_text(was, "not set"), value_text(is, "none"));
  }
  if (now.config.epochs < before.config.epochs) {
    fail(ErrorCode::checkpoint,
         "--resume {}: --epochs is {} in that run, {} is asked for; expected as many or more. To end it "
         "sooner, use --max-steps or --max-seconds",
         escaped(now.resume), before.config.epochs, now.config.epochs);
  }
}

}  // namespace salu
