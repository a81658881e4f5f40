// SPDX-License-Identifier: MIT
#include "run/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "run/batch_targets.h"
#include "run/run_start.h"
#include "train/ranks/rank_checks.h"
#include "train/signals.h"

namespace salu {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::unique_ptr<Loader> make_loader(const TrainConfig& config, std::shared_ptr<const Dataset> dataset,
                                    const TransformOptions& transform, bool training,
                                    const Communicator& ranks,
                                    std::function<void(const std::string&)> report) {
  LoaderOptions options;
  options.batch_size = training ? config.pictures_per_step() : config.validation_batch_size;
  options.rank = ranks.rank();
  options.ranks = ranks.size();
  options.workers = config.workers;
  options.shuffle = training;
  options.drop_last = training;  // a small last batch would weigh as much as a full one
  options.seed = config.seed;
  if (training) {
    options.repeats = std::max(1, config.aug_repeats);
    options.finish = target_maker(config, *dataset);
  }
  const bool skips = config.bad_images != BadImages::stop;
  options.bad_images = skips && training ? BadImages::substitute : config.bad_images;
  options.max_bad_percent = config.max_bad;
  options.report = std::move(report);
  // Of several ranks none may leave out a step that the others take.
  if (!training || ranks.size() == 1) options.stop = [] { return stop_signal() != 0; };
  auto apply = [transform, training](Picture& picture, RandomKey key) {
    return training ? train_transform(picture, transform, key) : eval_transform(picture, transform);
  };
  return std::make_unique<Loader>(std::move(dataset), apply, options);
}

/// Loss, top-1, top-5: columns of metrics.csv, empty where there is no result.
std::array<double, 3> figures_of(const EvalResult* result) {
  if (!result) return {NAN, NAN, NAN};
  return {result->loss(), result->top1(), result->top5()};
}

void check_shares(const TrainConfig& config, int ranks) {
  if (ranks == 1) return;
  if (config.batch_size % ranks != 0) {
    fail(ErrorCode::usage, "--batch-size {}: {} ranks share every batch; expected a multiple of {}",
         config.batch_size, ranks, ranks);
  }
  if (config.mixing.enabled() && config.pictures_per_step() / ranks % 2 != 0) {
    fail(ErrorCode::usage,
         "--batch-size {}: {} pictures of a step for each rank, and mixing pairs them; expected a multiple "
         "of {} with --mixup and --cutmix",
         config.batch_size, config.pictures_per_step() / ranks, 2 * ranks);
  }
}

void check_patience(const TrainConfig& config, const DataSplits& data) {
  if (config.patience == 0 || data.eval_is_validation) return;
  fail(ErrorCode::usage,
       "--patience: {} has no validation pictures, and a test set chooses nothing; expected some. Hold some "
       "out with --val-from-train",
       escaped(data.train->name()));
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, Communicator& ranks) : config_(config), ranks_(ranks) {
  check_shares(config, ranks.size());
  RunStart start = run_start(config);
  check_patience(config, start.data);
  data_ = std::move(start.data);
  transform_ = std::move(start.transform);
  card_ = std::move(start.card);
  model_ = std::move(start.model);
  initial_note_ = std::move(start.note);
  const auto report = [this](const std::string& text) {
    progress_->line(ranks_.is_root() ? text : fmt::format("rank {}: {}", ranks_.rank(), text));
  };
  train_loader_ = make_loader(config, data_.train, transform_, true, ranks, report);
  eval_loader_ = make_loader(config, data_.eval, transform_, false, ranks, report);
  if (config.model_ema) {
    ema_ = std::make_unique<Ema>(model_->store(), config.model_ema_decay, config.model_ema_warmup);
  }
  optimizer_ = std::make_unique<Optimizer>(model_->store(), config.optimizer, ema_.get());
  step_ = std::make_unique<TrainStep>(*model_, model_->store(), *optimizer_, config.step_on(data_), ranks);
  schedule_ = config.schedule_over(train_loader_->batches());
}

void Trainer::say(const std::string& line) {
  if (ranks_.is_root()) progress_->line(line);
}

void Trainer::open_log() {
  const bool resumed = at_.step > 0;
  std::vector<std::string> columns{"epoch",     "train_loss", "eval_loss", "eval_top1",
                                   "eval_top5", "lr",         "img_per_s", "data_wait"};
  if (ema_) columns.insert(columns.end(), {"ema_loss", "ema_top1", "ema_top5"});
  log_ = std::make_unique<RunLog>(folder_, columns, curves(), resumed ? std::optional(at_) : std::nullopt,
                                  *files_);
}

TrainOutcome Trainer::run() {
  if (ranks_.is_root()) open_log();
  ranks_.whereabouts().set_step(at_.step);
  check_weights(ranks_, model_->store().values(), at_.step);
  TrainOutcome outcome;
  run_start_ = Clock::now();
  while (at_.epoch < config_.total_epochs() && !out_of_patience()) {
    train_epoch();
    if (at_.batch == train_loader_->batches()) finish_epoch(outcome);
    if (should_stop()) break;
  }
  outcome.no_gain = out_of_patience();
  outcome.finished = at_.epoch >= config_.total_epochs() || outcome.no_gain;
  outcome.best_score = at_.best_score;
  outcome.best_epoch = at_.best_epoch;
  if (at_.step != saved_step_) save(step_name(), false);
  if (log_) log_->finish();
  return outcome;
}

double Trainer::lr_at(std::int64_t step) const {
  return learning_rate(schedule_, step) * at_.non_finite.lr_factor;
}

double Trainer::lr_under(const TrainConfig& config, std::int64_t step) const {
  return learning_rate(config.schedule_over(train_loader_->batches()), step) * at_.non_finite.lr_factor;
}

bool Trainer::signalled() {
  bool any = false;  // not stop_signal(): one may come to this rank in between
  for (const std::int64_t signal : ranks_.gather(std::int64_t{stop_signal()})) {
    if (signal == 0) continue;
    adopt_stop_signal(static_cast<int>(signal));
    any = true;
  }
  return any;
}

bool Trainer::should_stop() {
  if (signalled() || (config_.max_steps > 0 && at_.step >= config_.max_steps)) return true;
  if (config_.max_seconds == 0) return false;
  const bool late = seconds_since(run_start_) >= config_.max_seconds;
  return ranks_.gather(std::int64_t{late}).front() != 0;  // by the clock of rank 0
}

bool Trainer::is_scored(std::int64_t epochs) const {
  return epochs % config_.val_interval == 0 || epochs == config_.total_epochs();
}

bool Trainer::out_of_patience() const {
  // Behind a scored epoch, so that the run ends with figures of its last weights.
  return config_.patience > 0 && is_scored(at_.epoch) &&
         at_.epoch - std::max<std::int64_t>(at_.gain_epoch, 0) >= config_.patience;
}

void Trainer::train_epoch() {
  epoch_start_ = Clock::now();
  batches_now_ = 0;
  train_loader_->start(static_cast<std::uint32_t>(at_.epoch), at_.batch);
  Batch batch;
  while (!should_stop() && train_loader_->next(batch)) {
    train_batch(batch);
    show_progress();
    const std::int64_t interval = config_.recovery_interval;
    if (interval == 0 || at_.step % interval != 0 || at_.batch == train_loader_->batches()) continue;
    take_results(true);
    save_due(step_name(), false);
  }
  take_results(true);
}

void Trainer::train_batch(Batch& batch) {
  if (watcher_) watcher_(batch, at_.step);
  step_->run(batch.images, batch.targets, lr_at(at_.step), at_.step);
  ++at_.step;
  ++at_.batch;
  ++batches_now_;
  ++run_batches_;
  ranks_.whereabouts().set_step(at_.step);
  take_results(false);
  if (config_.check_ranks_interval > 0 && at_.step % config_.check_ranks_interval == 0) {
    check_weights(ranks_, model_->store().values(), at_.step);
  }
}

void Trainer::take_results(bool all) {
  while (const auto finished = step_->take(all)) {
    last_loss_ = finished->result.loss;
    last_norm_ = finished->result.norm;
    last_lr_ = finished->lr;
    if ((finished->step + 1) % config_.log_interval == 0) log_step(finished->step);
    if (finished->result.applied) {
      at_.non_finite.finite_step();
      at_.loss_sum += last_loss_ * static_cast<double>(finished->samples);
      at_.loss_count += finished->samples;
    } else {
      skip_step(*finished);
    }
  }
}

void Trainer::skip_step(const FinishedStep& skipped) {
  const std::string figures = figures_text(skipped.result.loss, skipped.result.norm);
  if (skipped.step == 0) {
    fail(ErrorCode::numerics, "{} at step 1: check --lr and input normalisation", figures);
  }
  const std::int64_t batches = train_loader_->batches();
  say(fmt::format("step {} (batch {} of epoch {}): {}: step skipped, weights unchanged", skipped.step + 1,
                  skipped.step % batches + 1, skipped.step / batches + 1, figures));
  const NonFiniteAction action =
      at_.non_finite.bad_step(skipped.step, skipped.result.loss, skipped.result.norm);
  if (action == NonFiniteAction::skip) return;
  if (action == NonFiniteAction::go_back && !at_.good.empty()) return go_back();
  fail(
      ErrorCode::numerics,
      "loss or gradient norm was not finite in {}; expected finite numbers. {}. Lower --lr (now {}), or look "
      "at the pictures of these steps: log.txt names their batches",
      fmt::join(at_.non_finite.seen, ", then in "),
      action == NonFiniteAction::stop ? "Going back to a checkpoint twice did not help"
                                      : "There is no checkpoint to go back to",
      last_lr_);
}

void Trainer::log_step(std::int64_t step) {
  if (!log_) return;
  const double seconds = seconds_since(epoch_start_);
  log_->step({{"step", step + 1},
              {"epoch", at_.epoch + 1},
              {"loss", last_loss_},
              {"lr", last_lr_},
              {"grad_norm", last_norm_},
              {"img_per_s", static_cast<double>(batches_now_ * config_.pictures_per_step()) / seconds},
              {"data_wait", train_loader_->wait_seconds() / seconds}});
  warn_of_full_disk();
}

void Trainer::warn_of_full_disk() {
  const std::string trouble = log_->trouble();
  if (!trouble.empty() && !rows_wait_) {
    progress_->line(fmt::format("warning: {}. Rows wait in memory until there is room", trouble));
  }
  rows_wait_ = !trouble.empty();
}

void Trainer::show_progress() {
  const std::int64_t batches = train_loader_->batches();
  const double seconds = seconds_since(epoch_start_), done = static_cast<double>(run_batches_);
  const double left = static_cast<double>((config_.total_epochs() - at_.epoch) * batches - at_.batch);
  const double mean_loss = at_.loss_count ? at_.loss_sum / static_cast<double>(at_.loss_count) : NAN;
  ProgressState state;
  state.epoch = at_.epoch + 1;
  state.epochs = config_.total_epochs();
  state.batch = at_.batch;
  state.batches = batches;
  state.loss = mean_loss;
  state.lr = last_lr_;
  state.images_per_second = static_cast<double>(batches_now_ * config_.pictures_per_step()) / seconds;
  state.data_wait = train_loader_->wait_seconds() / seconds;
  state.peak_bytes = memory_of(model_->store().values().device()).peak_bytes;
  state.eta_seconds = seconds_since(run_start_) / done * left;
  progress_->update(state);
}

bool Trainer::note_score(double score) {
  if (std::isnan(score)) return false;
  if (at_.gain_epoch < 0 || score > at_.gain_score + config_.min_delta) {
    at_.gain_score = score;
    at_.gain_epoch = at_.epoch;
  }
  const bool best = at_.best_epoch < 0 || score > at_.best_score;
  if (best) {
    at_.best_score = score;
    at_.best_epoch = at_.epoch;
  }
  return best;
}

std::vector<CurveShape> Trainer::curves() const {
  const auto& positive = card_.model.positive;
  return curve_shapes(model_->store(), positive ? positive_of(*positive) : NormActConfig{}.positive);
}

bool Trainer::score_epoch(TrainOutcome& outcome) {
  const auto stop = [] { return stop_signal() != 0; };
  const auto score = [&] {
    return evaluate(*model_, *eval_loader_, {card_.mean, card_.std}, card_.model.num_classes, stop);
  };
  share_buffers(ranks_, model_->store(), ema_.get());
  const EvalResult live = score();
  std::optional<EvalResult> average;
  if (ema_) {
    ema_->swap();
    average = score();
    ema_->swap();
  }
  if (signalled()) return false;
  outcome.last = merge_results(ranks_, live);
  if (average) outcome.last_ema = merge_results(ranks_, *average);
  return true;
}

void Trainer::finish_epoch(TrainOutcome& outcome) {
  const double seconds = seconds_since(epoch_start_);
  const bool scored = is_scored(at_.epoch + 1);
  if (scored && !score_epoch(outcome)) return;  // a resumed run scores these weights again
  const std::string figures = log_epoch(outcome, scored, seconds);
  ++at_.epoch;
  at_.batch = 0;
  at_.loss_sum = 0;
  at_.loss_count = 0;
  const RunProgress before = at_;
  const EvalResult& judged = outcome.last_ema ? *outcome.last_ema : outcome.last;
  const bool best = scored && data_.eval_is_validation && note_score(score_of(judged, config_.eval_metric));
  if (!save_due(epoch_name(at_.epoch), best)) {  // `best` still names the one before
    at_.best_score = before.best_score;
    at_.best_epoch = before.best_epoch;
  }
  say(figures + (best ? "  best so far" : ""));
}

/// Before the checkpoint is saved: a resumed run cuts rows beyond its checkpoint, but cannot write missing
/// ones.
std::string Trainer::log_epoch(const TrainOutcome& outcome, bool scored, double seconds) {
  const EvalResult* live = scored ? &outcome.last : nullptr;
  const EvalResult* average = scored && outcome.last_ema ? &*outcome.last_ema : nullptr;
  const double wait = train_loader_->wait_seconds() / seconds;
  const double train_loss = at_.loss_count ? at_.loss_sum / static_cast<double>(at_.loss_count) : NAN;
  const double rate = static_cast<double>(batches_now_ * config_.pictures_per_step()) / seconds;
  std::vector<double> row{static_cast<double>(at_.epoch + 1), train_loss};
  std::ranges::copy(figures_of(live), std::back_inserter(row));
  row.insert(row.end(), {last_lr_, rate, wait});
  if (ema_) std::ranges::copy(figures_of(average), std::back_inserter(row));
  if (log_) {
    log_->epoch(at_.step, row, curves());
    warn_of_full_disk();
  }
  std::string result = "not scored";
  if (live)
    result = fmt::format("{} loss {:.4f}  top-1 {:.2f} %", data_.eval_name, live->loss(), live->top1());
  if (average) result += fmt::format("  (ema {:.2f} %)", average->top1());
  return fmt::format("epoch {}/{}  train loss {:.4f}  {}  lr {:.3g}  {:.0f} img/s  data wait {:.0f} %",
                     at_.epoch + 1, config_.total_epochs(), train_loss, result, last_lr_, rate, 100 * wait);
}

}  // namespace salu
