// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <algorithm>
#include <cmath>

#include "train/batch_targets.h"
#include "train/interop.h"
#include "train/ranks/rank_checks.h"
#include "train/signals.h"
#include "train/state_dict.h"

namespace salu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMaxSkippedInARow = 5;

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
  if (config.bad_images == "skip") {
    options.bad_images = training ? BadImages::substitute : BadImages::leave_out;
  }
  options.report = std::move(report);
  auto apply = [transform, training](const Image& image, RandomKey key) {
    return training ? train_transform(image, transform, key) : eval_transform(image, transform);
  };
  return std::make_unique<Loader>(std::move(dataset), apply, options);
}

void check_shares(const TrainConfig& config, int ranks) {
  if (ranks == 1) return;
  if (config.batch_size % ranks != 0) {
    fail(ErrorCode::usage, "--batch-size {}: {} ranks share every batch; expected a multiple of {}",
         config.batch_size, ranks, ranks);
  }
  if (config.mixing().enabled() && config.pictures_per_step() / ranks % 2 != 0) {
    fail(ErrorCode::usage,
         "--batch-size {}: {} of a batch's pictures for each rank, and mixing pairs them; expected a "
         "multiple of "
         "{} with --mixup and --cutmix",
         config.batch_size, config.pictures_per_step() / ranks, 2 * ranks);
  }
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, Communicator& ranks)
    : config_(config), ranks_(ranks), data_(open_dataset(config.data)) {
  check_shares(config, ranks.size());
  if (config.patience > 0 && !data_.eval_is_validation) {
    fail(
        ErrorCode::usage,
        "--patience: {} has no validation pictures, and a test set chooses nothing; expected some. Hold some "
        "out with --val-from-train",
        escaped(data_.train->name()));
  }
  card_.model = config.model;
  card_.model.num_classes = static_cast<std::int64_t>(data_.train->class_names().size());
  card_.model.img_size = config.img_size.value_or(data_.img_size);
  card_.class_names = data_.train->class_names();
  card_.dataset = config.data.dataset;
  card_.data_seed = config.data.seed;
  card_.val_from_train = config.data.val_from_train;
  data_.mean = config.mean.value_or(data_.mean);
  data_.std = config.std.value_or(data_.std);
  card_.mean = data_.mean;
  card_.std = data_.std;
  transform_ = config.transform(data_);
  card_.crop_pct = transform_.crop_pct;
  card_.interpolation = transform_.interpolation;
  const auto report = [this](const std::string& text) {
    progress_->line(ranks_.is_root() ? text : fmt::format("rank {}: {}", ranks_.rank(), text));
  };
  train_loader_ = make_loader(config, data_.train, transform_, true, ranks, report);
  eval_loader_ = make_loader(config, data_.eval, transform_, false, ranks, report);
  model_ = make_model(card_.model);
  if (!config.initial_checkpoint.empty()) {
    const std::string file = shown(config.initial_checkpoint);
    initial_note_ =
        load_pretrained(*model_, native_names(load_checkpoint(config.initial_checkpoint).model), file);
    if (initial_note_.empty()) initial_note_ = file + ": all weights loaded";
  }
  if (config.model_ema) {
    ema_ = std::make_unique<Ema>(model_->store(), config.model_ema_decay, config.model_ema_warmup);
  }
  optimizer_ = std::make_unique<Optimizer>(model_->store(), config.optimizer(), ema_.get());
  step_ = std::make_unique<TrainStep>(*model_, model_->store(), *optimizer_, config.step(data_), &ranks);
  schedule_ = config.schedule(train_loader_->batches());
}

void Trainer::attach(const std::filesystem::path& folder, Progress& progress) {
  folder_ = folder;
  progress_ = &progress;
  checkpoints_ = std::make_unique<CheckpointStore>(folder);
  ranks_.whereabouts().set_folder(folder);
}

std::uint64_t Trainer::checkpoint_bytes() const {
  return model_->store().values().bytes() * (1 + optimizer_->states().size() + (ema_ ? 1 : 0));
}

void Trainer::resume(const std::string& name_or_link, bool other_ranks) {
  const std::string file = shown(folder_ / name_or_link);
  at_ = restore_snapshot(checkpoints_->load(name_or_link), file, *model_, *optimizer_, ema_.get(),
                         data_.train->fingerprint());
  if (at_.ranks != ranks_.size() && !other_ranks) {
    fail(ErrorCode::checkpoint,
         "{}: its run had {} rank{}, this one has {}; expected the same number, sums differ in their last "
         "bits. Start "
         "it so, or give --allow-rank-change",
         file, at_.ranks, at_.ranks == 1 ? "" : "s", ranks_.size());
  }
  say(fmt::format("resuming {} at epoch {}, step {}", file, at_.epoch + 1, at_.step));
}

void Trainer::say(const std::string& line) {
  if (ranks_.is_root()) progress_->line(line);
}

TrainOutcome Trainer::run() {
  const bool resumed = at_.step > 0;
  std::vector<std::string> columns{"epoch",     "train_loss", "eval_loss", "eval_top1",
                                   "eval_top5", "lr",         "img_per_s", "data_wait"};
  if (ema_) columns.insert(columns.end(), {"ema_loss", "ema_top1", "ema_top5"});
  if (ranks_.is_root()) {
    log_ = std::make_unique<RunLog>(folder_, columns, curves(), resumed ? std::optional(at_) : std::nullopt);
  }
  ranks_.whereabouts().set_step(at_.step);
  check_weights(ranks_, model_->store().values(), at_.step);
  TrainOutcome outcome;
  run_start_ = Clock::now();
  while (at_.epoch < config_.total_epochs() && !out_of_patience()) {
    train_epoch(outcome);
    if (at_.batch == train_loader_->batches()) finish_epoch(outcome);
    if (should_stop(outcome)) break;
  }
  outcome.no_gain = out_of_patience();
  outcome.finished = at_.epoch >= config_.total_epochs() || outcome.no_gain;
  outcome.best_score = at_.best_score;
  outcome.best_epoch = at_.best_epoch;
  if (at_.batch > 0) save(fmt::format("step-{:08}", at_.step), false);
  return outcome;
}

bool Trainer::should_stop(TrainOutcome& outcome) {
  // Signals come to one rank, and clocks differ: what any rank has seen holds for all.
  constexpr std::int64_t kTimeIsUp = -1;
  const bool late = config_.max_seconds > 0 && seconds_since(run_start_) >= config_.max_seconds;
  const int signal = stop_signal();
  bool stop = config_.max_steps > 0 && at_.step >= config_.max_steps;
  for (const std::int64_t seen : ranks_.gather(signal != 0 ? signal : late ? kTimeIsUp : 0)) {
    stop = stop || seen != 0;
    if (seen > 0) outcome.signal = static_cast<int>(seen);
  }
  return stop;
}

bool Trainer::out_of_patience() const {
  return config_.patience > 0 && at_.epoch - std::max<std::int64_t>(at_.gain_epoch, 0) >= config_.patience;
}

void Trainer::train_epoch(TrainOutcome& outcome) {
  epoch_start_ = Clock::now();
  batches_now_ = 0;
  train_loader_->start(static_cast<std::uint32_t>(at_.epoch), at_.batch);
  Batch batch;
  while (!should_stop(outcome) && train_loader_->next(batch)) {
    train_batch(batch);
    show_progress();
  }
  take_results(true);
}

void Trainer::train_batch(const Batch& batch) {
  step_->run(batch.images, batch.targets, learning_rate(schedule_, at_.step), at_.step);
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
      at_.skipped_row = 0;
      at_.loss_sum += last_loss_ * static_cast<double>(finished->samples);
      at_.loss_count += finished->samples;
    } else {
      skip_step(*finished);
    }
  }
}

void Trainer::skip_step(const FinishedStep& skipped) {
  const double loss = skipped.result.loss, norm = skipped.result.norm;
  if (skipped.step == 0) {
    fail(ErrorCode::numerics, "loss is {} at step 1 (gradient norm {}): check --lr and input normalisation",
         loss, norm);
  }
  say(fmt::format("step {}: loss {}, gradient norm {}: step skipped, weights unchanged", skipped.step + 1,
                  loss, norm));
  if (++at_.skipped_row >= kMaxSkippedInARow) {
    fail(ErrorCode::numerics,
         "{} steps in a row were not finite, the last at step {}. Lower --lr (now {}), or resume "
         "from an earlier checkpoint in {}",
         at_.skipped_row, skipped.step + 1, last_lr_, shown(folder_));
  }
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

EvalResult Trainer::score() {
  return merge_results(ranks_,
                       evaluate(*model_, *eval_loader_, {card_.mean, card_.std}, card_.model.num_classes));
}

void Trainer::finish_epoch(TrainOutcome& outcome) {
  const double seconds = seconds_since(epoch_start_), wait = train_loader_->wait_seconds();
  share_buffers(ranks_, model_->store(), ema_.get());
  outcome.last = score();
  if (ema_) {
    ema_->swap();
    outcome.last_ema = score();
    ema_->swap();
  }
  const EvalResult& judged = outcome.last_ema ? *outcome.last_ema : outcome.last;
  const double train_loss = at_.loss_count ? at_.loss_sum / static_cast<double>(at_.loss_count) : NAN;
  const double rate = static_cast<double>(batches_now_ * config_.pictures_per_step()) / seconds;
  ++at_.epoch;
  at_.batch = 0;
  at_.loss_sum = 0;
  at_.loss_count = 0;
  const bool best = data_.eval_is_validation && note_score(score_of(judged, config_.metric()));
  std::vector<double> row{static_cast<double>(at_.epoch),
                          train_loss,
                          outcome.last.loss(),
                          outcome.last.top1(),
                          outcome.last.top5(),
                          last_lr_,
                          rate,
                          wait / seconds};
  if (ema_)
    row.insert(row.end(), {outcome.last_ema->loss(), outcome.last_ema->top1(), outcome.last_ema->top5()});
  if (log_)
    log_->epoch(at_.step, row,
                curves());  // first: a resume cuts rows beyond its checkpoint, but cannot write missing ones
  save(fmt::format("epoch-{:04}", at_.epoch), best);
  say(
      fmt::format("epoch {}/{}  train loss {:.4f}  {} loss {:.4f}  top-1 {:.2f} %{}  lr {:.3g}  {:.0f} img/s "
                  " data wait {:.0f} %{}",
                  at_.epoch, config_.total_epochs(), train_loss, data_.eval_name, outcome.last.loss(),
                  outcome.last.top1(), ema_ ? fmt::format("  (ema {:.2f} %)", outcome.last_ema->top1()) : "",
                  last_lr_, rate, 100 * wait / seconds, best ? "  best so far" : ""));
}

void Trainer::save(const std::string& name, bool best) {
  if (!ranks_.is_root()) return;
  at_.updates = optimizer_->updates();
  at_.ranks = ranks_.size();
  const Checkpoint snapshot =
      take_snapshot(*model_, *optimizer_, ema_.get(), at_, card_, data_.train->fingerprint());
  if (const std::string bad = first_non_finite(snapshot.model); !bad.empty()) {
    fail(ErrorCode::numerics,
         "{} holds NaN or Inf at step {}: not saved, older checkpoints in {} are intact. Start again with a "
         "lower --lr "
         "(now {})",
         bad, at_.step, shown(folder_), last_lr_);
  }
  checkpoints_->save(name, snapshot, best);
  checkpoints_->prune(config_.checkpoint_hist);
}

}  // namespace salu
