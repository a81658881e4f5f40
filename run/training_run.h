// SPDX-License-Identifier: MIT
/// A training run: data, network, trainer and folder.
#pragma once

#include "run/run_keeper.h"
#include "run/run_start.h"

namespace salu {

struct ResumeOptions {
  std::filesystem::path from;       ///< a run folder
  std::string checkpoint = "last";  ///< checkpoint in it
  bool other_ranks = false;         ///< allows another number of ranks
  bool fresh_optimizer = false;  ///< restarts the optimizer with zero momentum and updates; averages continue
};

/// One training run. Every rank has one, and all make the same calls. Only rank 0 writes files and messages.
class TrainingRun {
 public:
  /// Opens the data and builds the network; writes nothing. `config` must be resolved, `ranks` must outlive
  /// it.
  explicit TrainingRun(const TrainConfig& config, Communicator& ranks = single_rank());
  std::uint64_t checkpoint_bytes() const;  ///< estimate

  /// Loads a checkpoint; writes nothing. Throws ErrorCode::checkpoint for another number of ranks, unless
  /// `other_ranks`.
  void resume(const ResumeOptions& options);
  /// Sets the run folder and the progress display; `files` and `progress` must outlive run(). A run resumed
  /// from its last checkpoint continues in its own folder. Any other folder must be new; it gets copies of
  /// the log and checkpoints that the run continues from.
  void attach(const std::filesystem::path& folder, FileOps& files, Progress& progress);
  /// Trains to the end, or until asked to stop; a checkpoint then holds the exact position. Throws
  /// ErrorCode::numerics when too many steps are not finite (nonfinite.h), ErrorCode::environment when
  /// checkpoints cannot be written: three in a row, or the last one.
  TrainOutcome run();

  Trainer& trainer() { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }
  const std::vector<std::string>& notes() const { return start_.notes; }  ///< RunStart::notes
  const DataSplits& data() const { return start_.data; }
  Model& model() { return *start_.model; }
  const ModelConfig& model_config() const { return start_.card.model; }
  const TransformOptions& transform() const { return start_.transform; }
  std::int64_t step() const { return trainer_->state().step; }  ///< optimizer steps so far
  /// Learning rate that the schedule of `config` would give a step of this run.
  double lr_under(const TrainConfig& config, std::int64_t step) const;

 private:
  int checkpoint_hist_;
  Communicator& ranks_;
  RunStart start_;
  std::unique_ptr<Loader> train_loader_, eval_loader_;
  std::unique_ptr<Trainer> trainer_;
  Progress* progress_ = nullptr;
  std::unique_ptr<RunKeeper> keeper_;
  std::optional<ResumeOptions> resumed_;  ///< its checkpoint is resolved to a name
};

}  // namespace salu
