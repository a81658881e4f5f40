// SPDX-License-Identifier: MIT
#include "run/run_keeper.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/gpu.h"
#include "core/text.h"
#include "run/snapshot.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxFailedSaves = 3;

/// Loss, top-1, top-5: columns of metrics.csv, empty without a result.
std::array<double, 3> columns_of(const std::optional<EvalResult>& result) {
  if (!result) return {NAN, NAN, NAN};
  return {result->loss(), result->top1(), result->top5()};
}

}  // namespace

RunKeeper::RunKeeper(Trainer& trainer, const RunStart& start, const fs::path& folder, int keep,
                     FileOps& files, Progress& progress, Communicator& ranks)
    : trainer_(trainer),
      start_(start),
      folder_(folder),
      keep_(keep),
      files_(files),
      progress_(progress),
      ranks_(ranks),
      checkpoints_(folder, files) {}

void RunKeeper::note(const std::string& line) {
  if (ranks_.is_root()) progress_.line(line);
}

void RunKeeper::go_on_from(const fs::path& from, const std::string& name) {
  TrainState& state = trainer_.state();
  saved_step_ = state.step;
  std::string best = state.best_epoch < 0 ? "" : epoch_name(state.best_epoch);
  if (ranks_.is_root()) {
    std::error_code error;
    if (!fs::equivalent(from, folder_, error)) {
      copy_run(from, name, best);
    } else if (const std::string last = *checkpoints_.name_of("last"); name != last) {
      fail(ErrorCode::usage,
           "--resume {}: a run goes on from its last checkpoint, {}; expected that one. Give --output to go "
           "on "
           "from {} in a new folder",
           shown(folder_ / "checkpoints" / name), last, name);
    }
    checkpoints_.set_links(name, best);
    if (!best.empty() && !checkpoints_.has(best)) {
      note(fmt::format("the weights of {}, the best so far, are gone: no `best` until an epoch exceeds them",
                       best));
    }
    // Also removes a killed process's leftovers, because this run may never save again.
    checkpoints_.prune(keep_, state.good);
  }
}

void RunKeeper::copy_run(const fs::path& from, const std::string& name, const std::string& best) {
  const CheckpointStore old(from);
  copy_logs(files_, from, folder_);
  std::set<std::string> names{best, trainer_.state().good};
  names.erase(name);
  for (const std::string& other : names) {
    if (old.has(other)) checkpoints_.save(other, old.load(other), other == best);
  }
  checkpoints_.save(name, old.load(name), name == best);
}

void RunKeeper::open_log() {
  if (!ranks_.is_root()) return;
  const TrainState& state = trainer_.state();
  std::vector<std::string> columns{"epoch",     "train_loss", "eval_loss", "eval_top1",
                                   "eval_top5", "lr",         "img_per_s", "data_wait"};
  if (trainer_.ema()) columns.insert(columns.end(), {"ema_loss", "ema_top1", "ema_top5"});
  log_ = std::make_unique<RunLog>(folder_, columns, curves(),
                                  state.step > 0 ? std::optional(state) : std::nullopt, files_);
}

void RunKeeper::close_log() {
  if (log_) log_->finish();
}

std::string RunKeeper::how_to_go_on() const {
  const std::string stopped = fmt::format("Stopped at step {}", trainer_.state().step);
  const auto newest = checkpoints_.newest();
  if (!newest) return fmt::format("{}; no complete checkpoint in {} yet", stopped, shown(folder_));
  return fmt::format("{}. Newest complete checkpoint: {}; go on with: mpirun -n {} salutrain --resume {}",
                     stopped, *newest, ranks_.size(), shell_word(folder_.string()));
}

void RunKeeper::step(const TrainFigures& figures) {
  if (!log_) return;
  log_->step({{"step", figures.step},
              {"epoch", figures.epoch},
              {"loss", figures.loss},
              {"lr", figures.lr},
              {"grad_norm", figures.grad_norm},
              {"img_per_s", figures.images_per_second},
              {"data_wait", figures.data_wait}});
  warn_of_full_disk();
}

void RunKeeper::warn_of_full_disk() {
  const std::string trouble = log_->trouble();
  if (!trouble.empty() && !rows_wait_) {
    progress_.line(fmt::format("warning: {}. Rows wait in memory until there is room", trouble));
  }
  rows_wait_ = !trouble.empty();
}

void RunKeeper::progress(const TrainFigures& figures) {
  ProgressState state;
  state.epoch = figures.epoch;
  state.epochs = figures.epochs;
  state.batch = figures.batch;
  state.batches = figures.batches;
  state.loss = figures.mean_loss;
  state.lr = figures.lr;
  state.images_per_second = figures.images_per_second;
  state.data_wait = figures.data_wait;
  state.peak_bytes = memory_of(start_.model->store().values().device()).peak_bytes;
  state.eta_seconds = figures.eta_seconds;
  progress_.update(state);
}

void RunKeeper::epoch(const TrainFigures& figures, const EpochScores& scores, bool best) {
  const auto& [live, average] = scores;
  std::vector<double> row{static_cast<double>(figures.epoch), figures.mean_loss};
  std::ranges::copy(columns_of(live), std::back_inserter(row));
  row.insert(row.end(), {figures.lr, figures.images_per_second, figures.data_wait});
  if (trainer_.ema()) std::ranges::copy(columns_of(average), std::back_inserter(row));
  if (log_) {
    log_->epoch(figures.step, row, curves());
    warn_of_full_disk();
  }
  std::string result = "not scored";
  if (live) {
    result = fmt::format("{} loss {:.4f}  top-1 {:.2f} %", start_.data.eval_name, live->loss(), live->top1());
  }
  if (average) result += fmt::format("  (ema {:.2f} %)", average->top1());
  const char* weights = !average ? "" : trainer_.state().best_averaged ? " (ema)" : " (raw)";
  note(fmt::format("epoch {}/{}  train loss {:.4f}  {}  lr {:.3g}  {:.0f} img/s  data wait {:.0f} %{}",
                   figures.epoch, figures.epochs, figures.mean_loss, result, figures.lr,
                   figures.images_per_second, 100 * figures.data_wait,
                   best ? fmt::format("  best so far{}", weights) : ""));
}

std::vector<CurveShape> RunKeeper::curves() const {
  const auto& positive = start_.card.model.positive;
  return curve_shapes(start_.model->store(), positive ? positive_of(*positive) : NormActConfig{}.positive);
}

bool RunKeeper::save(const std::string& name, bool best) {
  try {
    write(name, best);
    failed_saves_ = 0;
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::environment || ++failed_saves_ == kMaxFailedSaves) throw;
    note(fmt::format("warning: {}. The run goes on; the next checkpoint is tried again ({} of {})",
                     error.what(), failed_saves_, kMaxFailedSaves));
    return saved_step_ == trainer_.state().step;  // true when only the removal of older ones failed
  }
}

void RunKeeper::save_last(const std::string& name) {
  if (saved_step_ != trainer_.state().step) write(name, false);
}

void RunKeeper::write(const std::string& name, bool best) {
  std::optional<Error> error;
  if (ranks_.is_root()) {
    try {
      write_files(name, best);
    } catch (const Error& e) {
      error = e;
    }
  }
  const std::int64_t code = ranks_.gather(error ? static_cast<std::int64_t>(error->code()) : 0).front();
  saved_step_ = ranks_.gather(saved_step_).front();
  if (error) throw *error;
  if (code != 0) throw Error(static_cast<ErrorCode>(code), "rank 0 could not save " + name);
}

void RunKeeper::write_files(const std::string& name, bool best) {
  TrainState& state = trainer_.state();
  Optimizer& optimizer = trainer_.optimizer();
  state.ranks = ranks_.size();
  state.eval_fingerprint = start_.data.eval->fingerprint();
  state.updates = optimizer.updates();
  state.ema_updates = optimizer.ema_updates();
  const Checkpoint snapshot = take_snapshot(*start_.model, optimizer, trainer_.ema(), state, start_.card,
                                            start_.data.train->fingerprint());
  for (const auto* tensors : {&snapshot.model, &snapshot.state}) {
    if (const std::string bad = first_non_finite(*tensors); !bad.empty()) {
      fail(
          ErrorCode::numerics,
          "{} holds NaN or Inf at step {}: not saved, older checkpoints in {} are intact. Start again with a "
          "lower --lr (now {})",
          bad, state.step, shown(folder_), trainer_.last_lr());
    }
  }
  checkpoints_.save(name, snapshot, best);
  saved_step_ = state.step;
  checkpoints_.prune(keep_, state.good);
}

void RunKeeper::restore(const std::string& name) {
  restore_snapshot(checkpoints_.load(name), shown(folder_ / "checkpoints" / name), *start_.model,
                   &trainer_.optimizer(), trainer_.ema(), start_.data.train->fingerprint());
}

}  // namespace salu
