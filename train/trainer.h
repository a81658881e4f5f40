// SPDX-License-Identifier: MIT
/// The training loop: epochs, steps, non-finite steps, evaluation, patience and stop signals. It handles no
/// files: a TrainKeeper records and saves.
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

/// Position of a training. With the weights and the flat states this is all that a resume needs: the order of
/// samples and every augmentation are functions of (seed, epoch, index).
struct TrainState {
  std::int64_t step = 0;   ///< optimizer steps so far, skipped ones included
  std::int64_t epoch = 0;  ///< the epoch in progress, from 0
  std::int64_t batch = 0;  ///< batches of that epoch that are done
  double loss_sum = 0;     ///< over the samples of this epoch so far
  std::int64_t loss_count = 0;
  std::int64_t updates = 0;      ///< steps applied since the optimizer was created; set by a save
  std::int64_t ema_updates = 0;  ///< steps of the moving averages; set by a save
  NonFinite non_finite;
  /// The checkpoint to return to after too many non-finite steps: the newest one of an epoch or of
  /// recovery_interval saved after a finite step; "": none. A checkpoint made by a stop does not count:
  /// otherwise a resumed run would return to other weights than an uninterrupted one.
  std::string good;
  double best_score = 0;         ///< score_of() of the best epoch
  bool best_averaged = true;     ///< with a moving average: that scored best, not the weights themselves
  std::int64_t best_epoch = -1;  ///< the best epoch, from 1; -1: none yet
  /// The last epoch with a gain above min_delta, and the score that the next one must exceed.
  double gain_score = 0;
  std::int64_t gain_epoch = -1;
  std::int64_t ranks = 1;              ///< number of ranks that shared the batches; set by a save
  std::uint64_t eval_fingerprint = 0;  ///< of the evaluation images; 0: unknown; set by a save
};

struct TrainerOptions {
  OptimizerConfig optimizer;
  double ema_decay = 0;  ///< 0: no average
  bool ema_warmup = false;
  TrainStepOptions step;
  ScheduleConfig schedule;  ///< its steps_per_epoch is the number of batches of the training loader
  std::int64_t num_classes = 0;
  std::int64_t epochs = 10;
  std::int64_t val_interval = 1;            ///< scores every this many epochs, and after the last
  std::int64_t log_interval = 50;           ///< calls TrainKeeper::step() every this many steps
  std::int64_t recovery_interval = 0;       ///< steps between checkpoints inside an epoch; 0: none
  std::int64_t check_ranks_interval = 100;  ///< compares the ranks' weights every this many steps; 0: never
  std::int64_t max_steps = 0;               ///< 0: no limit
  double max_seconds = 0;                   ///< 0: no limit
  /// The scores are those of a validation split, so they may select the best epoch.
  bool choose_best = false;
  EvalMetric metric = EvalMetric::top1;  ///< decides the best epoch and the patience
  std::int64_t patience = 0;             ///< stops after this many epochs without a gain; 0: never
  double min_delta = 0;                  ///< smallest gain that counts
};

/// Figures for monitoring. Speed and waiting are those of this process since its epoch began.
struct TrainFigures {
  std::int64_t step = 0;                   ///< optimizer steps so far
  std::int64_t epoch = 0, epochs = 0;      ///< from 1
  std::int64_t batch = 0, batches = 0;     ///< batches of the epoch: done, and in all
  double loss = 0, grad_norm = 0, lr = 0;  ///< of the newest step with a known result
  double mean_loss = 0;                    ///< over the epoch so far; NaN before its first finite step
  double images_per_second = 0;
  double data_wait = 0;    ///< share of the time spent waiting for data, 0 to 1
  double eta_seconds = 0;  ///< to the end of the run; NaN before the first step
};

/// Results of an evaluation: of the weights and, if there is one, of their average.
struct EpochScores {
  std::optional<EvalResult> live, average;  ///< nothing: not scored
  /// True when the average scores at least as well as the weights themselves.
  bool is_averaged_better(EvalMetric metric) const;
};

/// Writes the records and checkpoints of a training. All ranks make the same calls.
class TrainKeeper {
 public:
  virtual ~TrainKeeper() = default;
  virtual void step(const TrainFigures& figures) = 0;      ///< every log_interval steps
  virtual void progress(const TrainFigures& figures) = 0;  ///< after every batch
  /// Called before the epoch's checkpoint is saved, so that no row is missing after a crash. `best`: its
  /// score is the best so far.
  virtual void epoch(const TrainFigures& figures, const EpochScores& scores, bool best) = 0;
  virtual void note(const std::string& line) = 0;
  /// Saves weights, optimizer, averages and state. Returns false on failure: training continues, and the next
  /// call tries again.
  virtual bool save(const std::string& name, bool best) = 0;
  /// save() at the end, unless this step has been saved. Throws when it fails.
  virtual void save_last(const std::string& name) = 0;
  /// Loads weights, optimizer and averages, but not the state.
  virtual void restore(const std::string& name) = 0;
};

/// Result of run().
struct TrainOutcome {
  bool finished = false;  ///< all epochs are done; false: stopped by a signal, max_steps or max_seconds
  EvalResult last;        ///< of the epoch scored last; samples = 0 when none was
  std::optional<EvalResult> last_ema;
  double best_score = 0;  ///< over all epochs, if best_epoch is set; only with a validation split
  std::int64_t best_epoch = -1;
  bool best_averaged = true;
  bool no_gain = false;  ///< stopped early by patience
};

std::string epoch_name(std::int64_t epoch);  ///< Name of the checkpoint after this many epochs: "epoch-0012".

/// The training loop. Every rank of a run has one, and all make the same calls.
class Trainer {
 public:
  /// Model, loaders and ranks must outlive it. The training loader must drop an incomplete batch.
  Trainer(Model& model, Loader& train, Loader& eval, const TrainerOptions& options,
          Communicator& ranks = single_rank());

  /// `watcher` gets each training batch and its step number, from 0, before the step, and may change it:
  /// tests use it to inject NaN.
  void watch_batches(std::function<void(Batch&, std::int64_t)> watcher) { watcher_ = std::move(watcher); }
  /// Trains from state() to the end, or until asked to stop; a checkpoint then holds the exact position.
  /// Throws ErrorCode::numerics when too many steps are not finite (nonfinite.h), and whatever `keeper`
  /// throws.
  TrainOutcome run(TrainKeeper& keeper);

  TrainState& state() { return state_; }
  const TrainState& state() const { return state_; }
  Model& model() { return model_; }
  Optimizer& optimizer() { return optimizer_; }
  Ema* ema() { return ema_.get(); }  ///< null: no average
  /// Library that sums the ranks' gradients: "MPI".
  std::string exchange() const { return step_.exchange(); }
  /// The learning rate of a step under another `schedule`.
  double lr_under(const ScheduleConfig& schedule, std::int64_t step) const;
  double last_lr() const;  ///< learning rate of the previous step

 private:
  void train_epoch();  // to its end, or until should_stop()
  void train_batch(Batch& batch);
  void take_results(bool all);  // handles results of finished steps; with `all`, waits for the rest
  void skip_step(const FinishedStep& skipped);
  void go_back();      // restores the weights of state_.good; keeps the position in the data
  bool signalled();    // true when any rank received a signal; the same answer, and then the same signal, on
                       // all ranks
  bool should_stop();  // the same answer on all ranks
  bool is_scored(std::int64_t epochs) const;  // true when an evaluation follows this many epochs
  bool out_of_patience() const;
  void finish_epoch();
  bool score_epoch(EpochScores& scores);  // false when a signal interrupted it
  bool note_score(double score);  // records the score of the finished epoch; true when it is the best so far
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
  FinishedStep newest_{};  ///< newest result taken
  EpochScores scores_;     ///< of the epoch scored last
  Clock::time_point run_start_, epoch_start_;
  std::int64_t run_batches_ = 0, epoch_images_ = 0;  ///< counted since these times
};

}  // namespace salu
