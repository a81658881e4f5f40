// SPDX-License-Identifier: MIT
/// The part of the trainer that saves and loads. Rank 0 alone writes; what became of it, all ranks hear.
#include <fmt/ranges.h>

#include <algorithm>

#include "run/state_dict.h"
#include "run/trainer.h"

namespace salu {
namespace {

constexpr int kMaxFailedSaves = 3;

}  // namespace

void Trainer::attach(const std::filesystem::path& folder, FileOps& files, Progress& progress) {
  folder_ = folder;
  files_ = &files;
  progress_ = &progress;
  checkpoints_ = std::make_unique<CheckpointStore>(folder, files);
  ranks_.whereabouts().set_folder(folder);
}

std::uint64_t Trainer::checkpoint_bytes() const {
  return model_->store().values().bytes() * (1 + optimizer_->states().size() + (ema_ ? 1 : 0));
}

void Trainer::resume(const std::string& name_or_link, const ResumeOptions& options) {
  const std::string file = shown(folder_ / name_or_link);
  Optimizer* optimizer = options.fresh_optimizer ? nullptr : optimizer_.get();
  at_ = restore_snapshot(checkpoints_->load(name_or_link), file, *model_, optimizer, ema_.get(),
                         data_.train->fingerprint());
  if (options.fresh_optimizer) at_.good.clear();  // it may hold the state of another optimizer
  if (at_.ranks != ranks_.size() && !options.other_ranks) {
    fail(
        ErrorCode::checkpoint,
        "{}: that run had {} rank{}, this one has {}; expected the same number, others add in another order. "
        "Give --allow-rank-change to go on with it",
        file, at_.ranks, at_.ranks == 1 ? "" : "s", ranks_.size());
  }
  // The average keeps its memory: at the start of its warm-up it would become a copy of the weights.
  if (options.fresh_optimizer) optimizer_->set_ema_updates(at_.ema_updates);
  ranks_.gather(at_.step);  // all have read it: from here on the links may move
  if (ranks_.is_root()) go_on_from(name_or_link);
  saved_step_ = at_.step;
  last_lr_ = lr_at(std::max<std::int64_t>(at_.step - 1, 0));
  say(fmt::format("resuming {} at epoch {}, step {}{}", file, at_.epoch + 1, at_.step,
                  options.fresh_optimizer ? ", with a fresh optimizer" : ""));
}

/// Before anything else of the run changes: its log is cut to the checkpoint that `last` names.
void Trainer::go_on_from(const std::string& name_or_link) {
  const std::string best = at_.best_epoch < 0 ? "" : epoch_name(at_.best_epoch);
  const std::vector<std::string> beyond = checkpoints_->go_on_from(name_or_link, best);
  if (!beyond.empty()) {
    say(fmt::format("{} {} saved behind the checkpoint to go on from: removed with the next save",
                    fmt::join(beyond, ", "), beyond.size() == 1 ? "was" : "were"));
  }
  if (!best.empty() && !std::filesystem::exists(folder_ / "best")) {
    say(fmt::format("the weights of {}, the best so far, are gone: no `best` until an epoch exceeds them",
                    best));
  }
  // What a kill has left behind goes, also when the run has nothing to save any more.
  checkpoints_->prune(config_.checkpoint_hist, at_.good);
}

std::string Trainer::epoch_name(std::int64_t epoch) { return fmt::format("epoch-{:04}", epoch); }
std::string Trainer::step_name() const { return fmt::format("step-{:08}", at_.step); }

void Trainer::go_back() {
  const std::int64_t reached = at_.step;
  while (step_->take(true)) --at_.step;  // a GPU had begun them with the weights that are given up
  if (at_.step != reached) {
    at_.batch -= reached - at_.step;
    train_loader_->start(static_cast<std::uint32_t>(at_.epoch), at_.batch);
  }
  restore_snapshot(checkpoints_->load(at_.good), shown(folder_ / "checkpoints" / at_.good), *model_,
                   optimizer_.get(), ema_.get(), data_.train->fingerprint());
  say(
      fmt::format("step {}: back to the weights of {}; the data since then is passed over, the "
                  "learning rate is {} times that of the schedule from here on",
                  at_.step, at_.good, at_.non_finite.lr_factor));
}

bool Trainer::save_due(const std::string& name, bool best) {
  const std::string good = at_.good;
  if (at_.non_finite.row == 0) at_.good = name;
  try {
    save(name, best);
    failed_saves_ = 0;
    return true;
  } catch (const Error& error) {
    if (saved_step_ != at_.step) at_.good = good;
    if (error.code() != ErrorCode::environment || ++failed_saves_ == kMaxFailedSaves) throw;
    say(fmt::format("warning: {}. The run goes on; the next checkpoint is tried again ({} of {})",
                    error.what(), failed_saves_, kMaxFailedSaves));
    return false;
  }
}

void Trainer::save(const std::string& name, bool best) {
  std::optional<Error> error;
  if (ranks_.is_root()) {
    try {
      write_checkpoint(name, best);
    } catch (const Error& e) {
      error = e;
    }
  }
  const std::int64_t code = ranks_.gather(error ? static_cast<std::int64_t>(error->code()) : 0).front();
  saved_step_ = ranks_.gather(saved_step_).front();
  if (error) throw *error;
  if (code != 0) throw Error(static_cast<ErrorCode>(code), "rank 0 could not save " + name);
}

void Trainer::write_checkpoint(const std::string& name, bool best) {
  at_.ranks = ranks_.size();
  at_.updates = optimizer_->updates();
  at_.ema_updates = optimizer_->ema_updates();
  const Checkpoint snapshot =
      take_snapshot(*model_, *optimizer_, ema_.get(), at_, card_, data_.train->fingerprint());
  for (const auto* tensors : {&snapshot.model, &snapshot.state}) {
    if (const std::string bad = first_non_finite(*tensors); !bad.empty()) {
      fail(
          ErrorCode::numerics,
          "{} holds NaN or Inf at step {}: not saved, older checkpoints in {} are intact. Start again with a "
          "lower --lr (now {})",
          bad, at_.step, shown(folder_), last_lr_);
    }
  }
  checkpoints_->save(name, snapshot, best);
  saved_step_ = at_.step;
  checkpoints_->prune(config_.checkpoint_hist, at_.good);
}

}  // namespace salu
