// SPDX-License-Identifier: MIT
/// The training loop: epochs, steps, steps that are not finite, evaluation, patience and stop signals. It
/// knows no files: a TrainKeeper hears what happened and saves.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/loader.h"
#include "models/model.h"
#include "train/evaluator.h"
#include "train/nonfinite.h"
#include "train/optimizer.h"
#include "train/ranks/communicator.h"
#include "train/schedule.h"
#include "train/train_step.h"

namespace salu {

/// The place that a training has reached. With the weights and the flat states this is all that a resume
/// needs: the order of samples and every augmentation are functions of (seed, epoch, index).
struct TrainState {
  std::int64_t step = 0;   ///< optimizer steps so far, skipped ones included
  std::int64_t epoch = 0;  ///< the epoch in progress, from 0
  std::int64_t batch = 0;  ///< batches of it that are done
  double loss_sum = 0;     ///< over the samples of this epoch so far
  std::int64_t loss_count = 0;
  std::int64_t updates = 0;      ///< steps that changed the weights since the optimizer began; set by a save
  std::int64_t ema_updates = 0;  ///< steps that the averages have seen; set by a save
  NonFinite non_finite;
  /// The checkpoint that too many non-finite steps lead back to: the newest one of an epoch or of
  /// recovery_interval that was saved after a finite step; "": none. The checkpoint of a stop does not count:
  /// with it, a resumed run would return to other weights than one that never stopped.
  std::string good;
  double best_score = 0;         ///< score_of() of the best epoch …
  std::int64_t best_epoch = -1;  ///< … which is this one, from 1; -1: none yet
  /// The last epoch that was a gain of more than min_delta, and the score that the next one has to exceed.
  double gain_score = 0;
  std::int64_t gain_epoch = -1;
  std::int64_t ranks = 1;  ///< that shared the batches; set by a save
};

struct TrainerOptions {
  OptimizerConfig optimizer;
  double ema_decay = 0;  ///< 0: no average
  bool ema_warmup = false;
  TrainStepOptions step;
  ScheduleConfig schedule;  ///< its steps_per_epoch are the batches of the training loader
  std::int64_t num_classes = 0;
  std::int64_t epochs = 10;
  std::int64_t val_interval = 1;            ///< score after every so many epochs, and after the last
  std::int64_t log_interval = 50;           ///< TrainKeeper::step() after every so many steps
  std::int64_t recovery_interval = 0;       ///< steps between checkpoints inside an epoch; 0: none
  std::int64_t check_ranks_interval = 100;  ///< compare the ranks' weights every so many steps; 0: never
  std::int64_t max_steps = 0;               ///< 0: no limit
  double max_seconds = 0;                   ///< 0: no limit
  bool choose_best = false;                 ///< the scores are those of a validation split, and may choose
  EvalMetric metric = EvalMetric::top1;     ///< decides the best epoch and the patience
  std::int64_t patience = 0;                ///< stop after so many epochs without a gain; 0: never
  double min_delta = 0;                     ///< smallest gain that counts
};

/// Numbers to follow a training by. Speed and waiting are those of this process since its epoch began.
struct TrainFigures {
  std::int64_t step = 0;                   ///< optimizer steps so far
  std::int64_t epoch = 0, epochs = 0;      ///< from 1
  std::int64_t batch = 0, batches = 0;     ///< of the epoch: done, and in all
  double loss = 0, grad_norm = 0, lr = 0;  ///< of the newest step whose result is known
  double mean_loss = 0;                    ///< over the epoch so far; NaN before its first finite step
  double images_per_second = 0;
  double data_wait = 0;    ///< share of the time spent waiting for data, 0 to 1
  double eta_seconds = 0;  ///< until the end of the run; NaN before the first step
};

/// The results of an evaluation: of the weights, and of their average where there is one.
struct EpochScores {
  std::optional<EvalResult> live, average;  ///< nothing: not scored
};

/// Keeps the records and the checkpoints of a training. All ranks make the same calls.
class TrainKeeper {
 public:
  virtual ~TrainKeeper() = default;
  virtual void step(const TrainFigures& figures) = 0;      ///< every log_interval steps
  virtual void progress(const TrainFigures& figures) = 0;  ///< after every batch
  /// Before the epoch is saved, so that no row is missing after a crash. `best`: it has the best score so
  /// far.
  virtual void epoch(const TrainFigures& figures, const EpochScores& scores, bool best) = 0;
  virtual void note(const std::string& line) = 0;
  /// Saves weights, optimizer, averages and state. False when that failed: training goes on, and the next
  /// call tries again.
  virtual bool save(const std::string& name, bool best) = 0;
  /// The same at the end, unless this step has been saved. Throws when it fails.
  virtual void save_last(const std::string& name) = 0;
  /// Loads weights, optimizer and averages; the state stays.
  virtual void restore(const std::string& name) = 0;
};

/// The end of run().
struct TrainOutcome {
  bool finished = false;  ///< all epochs are done; else stopped by a signal, max_steps or max_seconds
  EvalResult last;        ///< of the epoch that was scored last; samples = 0 when none was
  std::optional<EvalResult> last_ema;
  double best_score = 0;  ///< over the epochs, if best_epoch is one; only where there is a validation split
  std::int64_t best_epoch = -1;
  bool no_gain = false;  ///< it finished early: patience
};

std::string epoch_name(std::int64_t epoch);  ///< of the checkpoint after so many epochs: "epoch-0012"

/// Every rank of a run has one, and all of them make the same calls.
class Trainer {
 public:
  /// Model, loaders and ranks must outlive it. The training loader drops a batch that is not full.
  Trainer(Model& model, Loader& train, Loader& eval, const TrainerOptions& options,
          Communicator& ranks = single_rank());

  /// `watcher` gets each training batch and the number of its step, from 0, before the step, and may change
  /// it: so tests put NaN into a run.
  void watch_batches(std::function<void(Batch&, std::int64_t)> watcher) { watcher_ = std::move(watcher); }
  /// Trains from state() to the end, or until something asks to stop; a checkpoint then holds the exact
  /// place. Throws ErrorCode::numerics when too many steps are not finite (nonfinite.h), and what `keeper`
  /// throws.
  TrainOutcome run(TrainKeeper& keeper);

  TrainState& state() { return state_; }
  const TrainState& state() const { return state_; }
  Model& model() { return model_; }
  Optimizer& optimizer() { return optimizer_; }
  Ema* ema() { return ema_.get(); }                          ///< null: no average
  std::string exchange() const { return step_.exchange(); }  ///< who adds the ranks' gradients: "MPI"
  /// The learning rate of a step, were the schedule `schedule`.
  double lr_under(const ScheduleConfig& schedule, std::int64_t step) const;
  double last_lr() const;  ///< of the step before this one

 private:
  void train_epoch();  // up to its end, or until should_stop()
  void train_batch(Batch& batch);
  void take_results(bool all);  // of steps that are done; with `all`, waits for the rest
  void skip_step(const FinishedStep& skipped);
  void go_back();    // to the weights of state_.good; the place in the data stays
  bool signalled();  // whether any rank got a signal: the same answer on all, and now on all the same signal
  bool should_stop();                         // the same answer on all ranks
  bool is_scored(std::int64_t epochs) const;  // whether there is an evaluation after so many
  bool out_of_patience() const;
  void finish_epoch();
  bool score_epoch(EpochScores& scores);  // false when a signal came before it was done
  bool note_score(double score);          // of the epoch that is done; true when it is the best so far
  bool save(const std::string& name, bool best);
  TrainFigures figures() const;

  using Clock = std::chrono::steady_clock;

  Model& model_;
  Loader& train_;
  Loader& eval_;
  TrainerOptions options_;
  Communicator& ranks_;
  std::unique_ptr<Ema> ema_;
  Optimizer optimizer_;
  TrainStep step_;
  TrainState state_;
  TrainKeeper* keeper_ = nullptr;
  std::function<void(Batch&, std::int64_t)> watcher_;
  FinishedStep newest_{};  ///< of the results that were taken
  EpochScores scores_;     ///< of the epoch that was scored last
  Clock::time_point run_start_, epoch_start_;
  std::int64_t run_batches_ = 0, epoch_images_ = 0;  ///< since these times
};

}  // namespace salu
