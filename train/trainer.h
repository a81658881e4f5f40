// SPDX-License-Identifier: MIT
/// The training loop.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "train/checkpoint.h"
#include "train/config.h"
#include "train/evaluator.h"
#include "train/progress.h"
#include "train/ranks/communicator.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/snapshot.h"
#include "train/train_step.h"

namespace salu {

/// How run() ended.
struct TrainOutcome {
  bool finished = false;  ///< all epochs are done; else stopped by a signal, --max-steps or --max-seconds
  int signal = 0;         ///< the signal that stopped it, or 0
  EvalResult last;        ///< of the last epoch's weights; samples = 0 when no epoch was completed
  std::optional<EvalResult> last_ema;
  double best_score = 0;  ///< over the epochs, if best_epoch is one; only where there is a validation split
  std::int64_t best_epoch = -1;
  bool no_gain = false;  ///< it finished early: --patience
};

/// Every rank of a run has one, and all of them make the same calls. Rank 0 alone writes and speaks.
class Trainer {
 public:
  /// `config` is resolved. Opens the data, builds the network; writes nothing. `ranks` must outlive it.
  Trainer(const TrainConfig& config, Communicator& ranks);
  /// Where the run keeps its files and shows its progress; `progress` must outlive run().
  void attach(const std::filesystem::path& folder, Progress& progress);
  std::uint64_t checkpoint_bytes() const;  ///< about

  /// Continues from a checkpoint of the run folder. Throws ErrorCode::checkpoint when the run had another
  /// number of ranks, unless `other_ranks`.
  void resume(const std::string& name_or_link, bool other_ranks = false);
  /// Trains to the end, or until something asks to stop; then a checkpoint holds the exact place.
  TrainOutcome run();

  /// A line about --initial-checkpoint, or "".
  const std::string& initial_note() const { return initial_note_; }
  const DataSplits& data() const { return data_; }
  Model& model() { return *model_; }
  const ModelConfig& model_config() const { return card_.model; }
  const TransformOptions& transform() const { return transform_; }
  std::int64_t step() const { return at_.step; }  ///< optimizer steps so far

 private:
  void train_epoch(TrainOutcome& outcome);  // up to its end, or until should_stop()
  void train_batch(const Batch& batch);
  void take_results(bool all);  ///< of steps that are done; with `all`, waits for the rest
  void skip_step(const FinishedStep& skipped);
  bool should_stop(TrainOutcome& outcome);  ///< the same answer on all ranks
  EvalResult score();
  bool out_of_patience() const;
  void finish_epoch(TrainOutcome& outcome);
  bool note_score(double score);  ///< of the epoch that is done; true when it is the best so far
  void save(const std::string& name, bool best);
  void log_step(std::int64_t step);   ///< a row of metrics.jsonl about the step whose result was taken last
  void say(const std::string& line);  ///< on rank 0
  void show_progress();
  std::vector<CurveShape> curves() const;

  TrainConfig config_;
  Communicator& ranks_;
  DataSplits data_;
  TransformOptions transform_;
  std::filesystem::path folder_;
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
  // Of this process and this epoch: what the progress line shows.
  std::chrono::steady_clock::time_point run_start_, epoch_start_;
  std::int64_t batches_now_ = 0, run_batches_ = 0;
};

}  // namespace salu
