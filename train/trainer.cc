// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "train/ranks/rank_checks.h"
#include "train/signals.h"

namespace salu {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::unique_ptr<Ema> make_ema(ParameterStore& store, const TrainerOptions& options) {
  if (options.ema_decay == 0) return nullptr;
  return std::make_unique<Ema>(store, options.ema_decay, options.ema_warmup);
}

std::string step_name(std::int64_t step) { return fmt::format("step-{:08}", step); }

}  // namespace

bool EpochScores::is_averaged_better(EvalMetric metric) const {
  if (!average || !live) return false;
  const double averaged = score_of(*average, metric), own = score_of(*live, metric);
  return averaged >= own || std::isnan(own);
}

std::string epoch_name(std::int64_t epoch) { return fmt::format("epoch-{:04}", epoch); }

Trainer::Trainer(Model& model, Loader& train, Loader& eval, const TrainerOptions& options,
                 Communicator& ranks)
    : model_(model),
      train_(train),
      eval_(eval),
      options_(options),
      ranks_(ranks),
      ema_(make_ema(model.store(), options)),
      optimizer_(model.store(), options.optimizer, ema_.get()),
      step_(model, model.store(), optimizer_, options.step, ranks) {
  options_.schedule.steps_per_epoch = train.batches();
}

TrainOutcome Trainer::run(TrainKeeper& keeper) {
  keeper_ = &keeper;
  check_weights(ranks_, model_.store().values(), state_.step);
  newest_.lr = last_lr();
  run_start_ = Clock::now();
  while (state_.epoch < options_.epochs && !out_of_patience()) {
    train_epoch();
    if (state_.batch == train_.batches()) finish_epoch();
    if (should_stop()) break;
  }
  keeper.save_last(step_name(state_.step));
  TrainOutcome outcome;
  outcome.no_gain = out_of_patience();
  outcome.finished = state_.epoch >= options_.epochs || outcome.no_gain;
  outcome.last = scores_.live.value_or(EvalResult{});
  outcome.last_ema = scores_.average;
  outcome.best_score = state_.best_score;
  outcome.best_epoch = state_.best_epoch;
  outcome.best_averaged = state_.best_averaged;
  return outcome;
}

double Trainer::lr_under(const ScheduleConfig& schedule, std::int64_t step) const {
  return learning_rate(schedule, step) * state_.non_finite.lr_factor;
}

double Trainer::last_lr() const {
  return lr_under(options_.schedule, std::max<std::int64_t>(state_.step - 1, 0));
}

bool Trainer::signalled() {
  bool any = false;  // not stop_signal(): a signal may arrive on this rank in between
  for (const std::int64_t signal : ranks_.gather(std::int64_t{stop_signal()})) {
    if (signal == 0) continue;
    adopt_stop_signal(static_cast<int>(signal));
    any = true;
  }
  return any;
}

bool Trainer::should_stop() {
  if (signalled() || (options_.max_steps > 0 && state_.step >= options_.max_steps)) return true;
  if (options_.max_seconds == 0) return false;
  const bool late = seconds_since(run_start_) >= options_.max_seconds;
  return ranks_.gather(std::int64_t{late}).front() != 0;  // rank 0's clock decides
}

bool Trainer::is_scored(std::int64_t epochs) const {
  return epochs % options_.val_interval == 0 || epochs == options_.epochs;
}

bool Trainer::out_of_patience() const {
  // Stops only after a scored epoch, so that the run ends with the scores of its last weights.
  return options_.patience > 0 && is_scored(state_.epoch) &&
         state_.epoch - std::max<std::int64_t>(state_.gain_epoch, 0) >= options_.patience;
}

void Trainer::train_epoch() {
  epoch_start_ = Clock::now();
  epoch_images_ = 0;
  train_.start(static_cast<std::uint32_t>(state_.epoch), state_.batch);
  Batch batch;
  while (!should_stop() && train_.next(batch)) {
    train_batch(batch);
    keeper_->progress(figures());
    const std::int64_t interval = options_.recovery_interval;
    if (interval == 0 || state_.step % interval != 0 || state_.batch == train_.batches()) continue;
    take_results(true);
    save(step_name(state_.step), false);
  }
  take_results(true);
}

void Trainer::train_batch(Batch& batch) {
  if (watcher_) watcher_(batch, state_.step);
  step_.run(batch.images, batch.targets, lr_under(options_.schedule, state_.step), state_.step);
  ++state_.step;
  ++state_.batch;
  epoch_images_ += batch.images.dim(0) * ranks_.size();
  ++run_batches_;
  take_results(false);
  if (options_.check_ranks_interval > 0 && state_.step % options_.check_ranks_interval == 0) {
    check_weights(ranks_, model_.store().values(), state_.step);
  }
}

void Trainer::take_results(bool all) {
  while (const auto finished = step_.take(all)) {
    newest_ = *finished;
    if ((finished->step + 1) % options_.log_interval == 0) {
      TrainFigures now = figures();
      now.step = finished->step + 1;  // GPU results are one step late
      keeper_->step(now);
    }
    if (finished->result.applied) {
      state_.non_finite.finite_step();
      state_.loss_sum += finished->result.loss * static_cast<double>(finished->samples);
      state_.loss_count += finished->samples;
    } else {
      skip_step(*finished);
    }
  }
}

void Trainer::skip_step(const FinishedStep& skipped) {
  const std::string found = figures_text(skipped.result.loss, skipped.result.norm);
  if (skipped.step == 0) {
    fail(ErrorCode::numerics, "{} at step 1: check --lr and input normalisation", found);
  }
  const std::int64_t batches = train_.batches();
  keeper_->note(fmt::format("step {} (batch {} of epoch {}): {}: step skipped, weights unchanged",
                            skipped.step + 1, skipped.step % batches + 1, skipped.step / batches + 1, found));
  const NonFiniteAction action =
      state_.non_finite.bad_step(skipped.step, skipped.result.loss, skipped.result.norm);
  if (action == NonFiniteAction::skip) return;
  if (action == NonFiniteAction::go_back && !state_.good.empty()) return go_back();
  fail(
      ErrorCode::numerics,
      "loss or gradient norm was not finite in {}; expected finite numbers. {}. Lower --lr (now {}), or look "
      "at the images of these steps: log.txt names their batches",
      fmt::join(state_.non_finite.seen, ", then in "),
      action == NonFiniteAction::stop ? "Going back to a checkpoint twice did not help"
                                      : "There is no checkpoint to go back to",
      skipped.lr);
}

void Trainer::go_back() {
  const std::int64_t reached = state_.step;
  while (step_.take(true)) --state_.step;  // discards the steps that a GPU had begun with the dropped weights
  if (state_.step != reached) {
    state_.batch -= reached - state_.step;
    train_.start(static_cast<std::uint32_t>(state_.epoch), state_.batch);
  }
  keeper_->restore(state_.good);
  keeper_->note(
      fmt::format("step {}: back to the weights of {}; the data since then is passed over, the "
                  "learning rate is {} times that of the schedule from here on",
                  state_.step, state_.good, state_.non_finite.lr_factor));
}

TrainFigures Trainer::figures() const {
  const double seconds = seconds_since(epoch_start_);
  TrainFigures now;
  now.step = state_.step;
  now.epoch = state_.epoch + 1;
  now.epochs = options_.epochs;
  now.batch = state_.batch;
  now.batches = train_.batches();
  now.loss = newest_.result.loss;
  now.grad_norm = newest_.result.norm;
  now.lr = newest_.lr;
  now.mean_loss = state_.loss_count ? state_.loss_sum / static_cast<double>(state_.loss_count) : NAN;
  now.images_per_second = static_cast<double>(epoch_images_) / seconds;
  now.data_wait = train_.wait_seconds() / seconds;
  const std::int64_t left = (options_.epochs - state_.epoch) * train_.batches() - state_.batch;
  now.eta_seconds = seconds_since(run_start_) / static_cast<double>(run_batches_) * static_cast<double>(left);
  return now;
}

bool Trainer::note_score(double score) {
  if (std::isnan(score)) return false;
  if (state_.gain_epoch < 0 || score > state_.gain_score + options_.min_delta) {
    state_.gain_score = score;
    state_.gain_epoch = state_.epoch;
  }
  const bool best = state_.best_epoch < 0 || score > state_.best_score;
  if (best) {
    state_.best_score = score;
    state_.best_epoch = state_.epoch;
  }
  return best;
}

bool Trainer::score_epoch(EpochScores& scores) {
  const auto score = [&] {
    return evaluate(model_, eval_, {options_.step.mean, options_.step.std}, options_.num_classes,
                    [] { return stop_signal() != 0; });
  };
  share_buffers(ranks_, model_.store(), ema_.get());
  scores.live = score();
  if (ema_) {
    ema_->swap();
    scores.average = score();
    ema_->swap();
  }
  if (signalled()) return false;
  scores.live = merge_results(ranks_, *scores.live);
  if (scores.average) scores.average = merge_results(ranks_, *scores.average);
  return true;
}

void Trainer::finish_epoch() {
  const TrainFigures trained = figures();
  EpochScores scores;
  if (is_scored(state_.epoch + 1)) {
    if (!score_epoch(scores)) return;  // interrupted: a resumed run scores these weights again
    scores_ = scores;
  }
  ++state_.epoch;
  state_.batch = 0;
  state_.loss_sum = 0;
  state_.loss_count = 0;
  const TrainState before = state_;
  const bool averaged = scores.is_averaged_better(options_.metric);
  const auto& judged = averaged ? scores.average : scores.live;
  const bool best = judged && options_.choose_best && note_score(score_of(*judged, options_.metric));
  if (best) state_.best_averaged = averaged;
  keeper_->epoch(trained, scores, best);
  if (!save(epoch_name(state_.epoch), best)) {  // `best` still names the previous one
    state_.best_score = before.best_score;
    state_.best_epoch = before.best_epoch;
    state_.best_averaged = before.best_averaged;
  }
}

bool Trainer::save(const std::string& name, bool best) {
  const std::string good = state_.good;
  if (state_.non_finite.row == 0) state_.good = name;
  if (keeper_->save(name, best)) return true;
  state_.good = good;
  return false;
}

}  // namespace salu
