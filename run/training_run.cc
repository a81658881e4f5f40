// SPDX-License-Identifier: MIT
#include "run/training_run.h"

#include "core/text.h"
#include "run/snapshot.h"
#include "train/signals.h"

namespace salu {
namespace {

void check_shares(const TrainConfig& config, int ranks) {
  if (ranks == 1) return;
  if (config.batch_size % ranks != 0) {
    fail(ErrorCode::usage, "--batch-size {}: {} ranks share every batch; expected a multiple of {}",
         config.batch_size, ranks, ranks);
  }
  if (config.mixing.enabled() && config.images_per_step() / ranks % 2 != 0) {
    fail(ErrorCode::usage,
         "--batch-size {}: {} images of a step for each rank, and mixing pairs them; expected a multiple "
         "of {} with --mixup and --cutmix",
         config.batch_size, config.images_per_step() / ranks, 2 * ranks);
  }
}

void check_patience(const TrainConfig& config, const DataSplits& data) {
  if (config.patience == 0 || data.eval_is_validation) return;
  fail(ErrorCode::usage,
       "--patience: {} has no validation images, and a test set chooses nothing; expected some. Hold some "
       "out with --val-from-train",
       data.train->name());
}

TrainerOptions trainer_options(const TrainConfig& config, const RunStart& start, std::int64_t batches) {
  TrainerOptions options;
  options.optimizer = config.optimizer;
  options.ema_decay = config.model_ema ? config.model_ema_decay : 0;
  options.ema_warmup = config.model_ema_warmup;
  options.step = config.step_on(start.data);
  options.schedule = config.schedule_over(batches);
  options.num_classes = start.card.model.num_classes;
  options.epochs = config.total_epochs();
  options.val_interval = config.val_interval;
  options.log_interval = config.log_interval;
  options.recovery_interval = config.recovery_interval;
  options.check_ranks_interval = config.check_ranks_interval;
  options.max_steps = config.max_steps;
  options.max_seconds = config.max_seconds;
  options.choose_best = start.data.eval_is_validation;
  options.metric = config.eval_metric;
  options.patience = config.patience;
  options.min_delta = config.min_delta;
  return options;
}

}  // namespace

TrainingRun::TrainingRun(const TrainConfig& config, Communicator& ranks)
    : checkpoint_hist_(config.checkpoint_hist), ranks_(ranks) {
  check_shares(config, ranks.size());
  start_ = run_start(config);
  check_patience(config, start_.data);
  const auto loader = [&](bool training) {
    LoaderOptions options = loader_options(config, start_.data, training);
    options.rank = ranks.rank();
    options.ranks = ranks.size();
    options.report = [this](const std::string& text) {
      progress_->line(ranks_.is_root() ? text : fmt::format("rank {}: {}", ranks_.rank(), text));
    };
    // With several ranks, none may leave out a step that the others take.
    if (!training || ranks.size() == 1) options.stop = [] { return stop_signal() != 0; };
    return make_loader(start_.data, start_.transform, training, std::move(options));
  };
  train_loader_ = loader(true);
  eval_loader_ = loader(false);
  trainer_ = std::make_unique<Trainer>(*start_.model, *train_loader_, *eval_loader_,
                                       trainer_options(config, start_, train_loader_->batches()), ranks);
}

std::uint64_t TrainingRun::checkpoint_bytes() const {
  return start_.model->store().values().bytes() *
         (1 + trainer_->optimizer().states().size() + (trainer_->ema() ? 1 : 0));
}

double TrainingRun::lr_under(const TrainConfig& config, std::int64_t step) const {
  return trainer_->lr_under(config.schedule_over(train_loader_->batches()), step);
}

void TrainingRun::resume(const ResumeOptions& options) {
  const CheckpointStore store(options.from);
  const std::string file = shown(options.from / options.checkpoint);
  Optimizer& optimizer = trainer_->optimizer();
  TrainState& state = trainer_->state();
  resumed_ = options;
  const Checkpoint checkpoint = store.load(options.checkpoint);
  resumed_->checkpoint = *store.name_of(options.checkpoint);
  state = restore_snapshot(checkpoint, file, *start_.model, options.fresh_optimizer ? nullptr : &optimizer,
                           trainer_->ema(), start_.data.train->fingerprint());
  if (state.ranks != ranks_.size() && !options.other_ranks) {
    fail(
        ErrorCode::checkpoint,
        "{}: that run had {} rank{}, this one has {}; expected the same number, others add in another order. "
        "Give --allow-rank-change to go on with it",
        file, state.ranks, state.ranks == 1 ? "" : "s", ranks_.size());
  }
  if (options.fresh_optimizer) {
    state.good.clear();  // it may hold another optimizer's state
    // Keeps the average's step count: at the start of its warm-up it would become a copy of the weights.
    optimizer.set_ema_updates(state.ema_updates);
  }
  if (!store.has(state.good)) state.good.clear();
  if (state.eval_fingerprint != 0 && state.eval_fingerprint != start_.data.eval->fingerprint()) {
    start_.notes.push_back(fmt::format(
        "warning: the {} images are not those of the run so far: scores and `best` cannot be compared",
        start_.data.eval_name));
  }
  ranks_.gather(state.step);  // barrier: all ranks have read the checkpoint, so rank 0 may remove old ones
}

void TrainingRun::attach(const std::filesystem::path& folder, FileOps& files, Progress& progress) {
  progress_ = &progress;
  keeper_ = std::make_unique<RunKeeper>(*trainer_, start_, folder, checkpoint_hist_, files, progress, ranks_);
  if (!resumed_) return;
  keeper_->go_on_from(resumed_->from, resumed_->checkpoint);
  keeper_->note(fmt::format(
      "resuming {} at epoch {}, step {}{}", shown(resumed_->from / "checkpoints" / resumed_->checkpoint),
      trainer_->state().epoch + 1, step(), resumed_->fresh_optimizer ? ", with a fresh optimizer" : ""));
}

TrainOutcome TrainingRun::run() {
  keeper_->open_log();
  try {
    const TrainOutcome outcome = trainer_->run(*keeper_);
    keeper_->close_log();
    return outcome;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::distributed) throw;
    throw Error(error.code(), fmt::format("{}. {}", error.what(), keeper_->how_to_go_on()));
  }
}

}  // namespace salu
