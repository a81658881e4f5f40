// SPDX-License-Identifier: MIT
/// The training loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "run/checkpoint.h"
#include "run/config.h"
#include "run/progress.h"
#include "run/run_log.h"
#include "run/snapshot.h"
#include "train/evaluator.h"
#include "train/ranks/communicator.h"
#include "train/train_step.h"

namespace salu {

struct ResumeOptions {
  bool other_ranks = false;      ///< the run may have had another number of ranks
  bool fresh_optimizer = false;  ///< its optimizer starts anew: momentum and updates from 0; averages go on
};

/// How run() ended.
struct TrainOutcome {
  bool finished = false;  ///< all epochs are done; else stopped by a signal, --max-steps or --max-seconds
  EvalResult last;        ///< of the epoch that was scored last; samples = 0 when none was
  std::optional<EvalResult> last_ema;
  double best_score = 0;  ///< over the epochs, if best_epoch is one; only where there is a validation split
  std::int64_t best_epoch = -1;
  bool no_gain = false;  ///< it finished early: --patience
};

/// Every rank of a run has one, and all of them make the same calls. Rank 0 alone writes and speaks.
class Trainer {
 public:
  /// `config` is resolved. Opens the data, builds the network; writes nothing. `ranks` must outlive it.
  explicit Trainer(const TrainConfig& config, Communicator& ranks = single_rank());
  /// Where the run keeps its files and shows its progress; `files` and `progress` must outlive run().
  void attach(const std::filesystem::path& folder, FileOps& files, Progress& progress);
  std::uint64_t checkpoint_bytes() const;  ///< about

  /// Continues from a checkpoint of the run folder. Throws ErrorCode::checkpoint when that run had another
  /// number of ranks, unless `other_ranks`.
  void resume(const std::string& name_or_link, const ResumeOptions& options = {});
  /// `watcher` gets each training batch and the number of its step, from 0, before the step, and may change
  /// it: so tests put NaN into a run.
  void watch_batches(std::function<void(Batch&, std::int64_t)> watcher) { watcher_ = std::move(watcher); }
  /// Trains to the end, or until something asks to stop; then a checkpoint holds the exact place. Throws
  /// ErrorCode::numerics when too many steps are not finite (nonfinite.h), ErrorCode::environment when
  /// checkpoints cannot be written: three in a row, or the last one.
  TrainOutcome run();

  /// A line about --initial-checkpoint, or "".
  const std::string& initial_note() const { return initial_note_; }
  const DataSplits& data() const { return data_; }
  Model& model() { return *model_; }
  const ModelConfig& model_config() const { return card_.model; }
  const TransformOptions& transform() const { return transform_; }
  std::string exchange() const { return step_->exchange(); }  ///< who adds the ranks' gradients: "MPI"
  std::int64_t step() const { return at_.step; }              ///< optimizer steps so far
  /// The learning rate of a step of this run, were its schedule that of `config`.
  double lr_under(const TrainConfig& config, std::int64_t step) const;

 private:
  void train_epoch();  // up to its end, or until should_stop()
  void train_batch(Batch& batch);
  void take_results(bool all);  ///< of steps that are done; with `all`, waits for the rest
  void skip_step(const FinishedStep& skipped);
  void go_back();  ///< to the last good weights; the place in the data stays
  bool
  signalled();  ///< whether any rank got a signal: the same answer on all, and now on all the same signal
  bool should_stop();  ///< likewise
  bool out_of_patience() const;
  bool is_scored(std::int64_t epochs) const;  ///< whether there is an evaluation after so many
  bool score_epoch(TrainOutcome& outcome);    ///< false when a signal came before it was done
  void finish_epoch(TrainOutcome& outcome);
  /// Of an epoch that took `seconds` to train; what to show of it.
  std::string log_epoch(const TrainOutcome& outcome, bool scored, double seconds);
  bool note_score(double score);  ///< of the epoch that is done; true when it is the best so far
  void save(const std::string& name, bool best);  ///< throws on all ranks alike
  void write_checkpoint(const std::string& name, bool best);
  /// For checkpoints that are due at this step: true when it is saved, false to try again at the next one.
  bool save_due(const std::string& name, bool best);
  void go_on_from(const std::string& name_or_link);  ///< moves the links there
  static std::string epoch_name(std::int64_t epoch);
  std::string step_name() const;
  double lr_at(std::int64_t step) const;
  void open_log();
  void say(const std::string& line);  ///< on rank 0
  void log_step(std::int64_t step);   ///< a row of metrics.jsonl about the step whose result was taken last
  void warn_of_full_disk();           ///< once, when rows of the log have to wait
  void show_progress();
  std::vector<CurveShape> curves() const;

  TrainConfig config_;
  Communicator& ranks_;
  DataSplits data_;
  TransformOptions transform_;
  std::filesystem::path folder_;
  FileOps* files_ = nullptr;
  Progress* progress_ = nullptr;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<RunLog> log_;
  ModelCard card_;
  std::string initial_note_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Ema> ema_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainStep> step_;
  std::unique_ptr<Loader> train_loader_, eval_loader_;
  ScheduleConfig schedule_;
  RunProgress at_;
  double last_loss_ = 0, last_lr_ = 0, last_norm_ = 0;
  std::function<void(Batch&, std::int64_t)> watcher_;
  std::int64_t saved_step_ = -1;  ///< of the checkpoint that was saved or resumed last
  int failed_saves_ = 0;          ///< in a row
  bool rows_wait_ = false;
  // Of this process and this epoch: what the progress line shows.
  std::chrono::steady_clock::time_point run_start_, epoch_start_;
  std::int64_t batches_now_ = 0, run_batches_ = 0;
};

}  // namespace salu
