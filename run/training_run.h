// SPDX-License-Identifier: MIT
/// A training with all that a run is: its data, its network, its folder.
#pragma once

#include "run/run_keeper.h"
#include "run/run_start.h"

namespace salu {

struct ResumeOptions {
  std::filesystem::path from;       ///< a run folder
  std::string checkpoint = "last";  ///< of it
  bool other_ranks = false;         ///< that run may have had another number of ranks
  bool fresh_optimizer = false;  ///< the optimizer starts anew: momentum and updates from 0; averages go on
};

/// Every rank of a run has one, and all of them make the same calls. Rank 0 alone writes and speaks.
class TrainingRun {
 public:
  /// `config` is resolved. Opens the data, builds the network; writes nothing. `ranks` must outlive it.
  explicit TrainingRun(const TrainConfig& config, Communicator& ranks = single_rank());
  std::uint64_t checkpoint_bytes() const;  ///< about

  /// Loads a checkpoint; writes nothing. Throws ErrorCode::checkpoint when that run had another number of
  /// ranks, unless `other_ranks`.
  void resume(const ResumeOptions& options);
  /// Sets the folder of its files and the line of its progress; `files` and `progress` must outlive run(). A
  /// resumed run goes on in its own folder if it was resumed from its last checkpoint. Any other folder must
  /// be new: it gets the log and the checkpoints that the run goes on from.
  void attach(const std::filesystem::path& folder, FileOps& files, Progress& progress);
  /// Trains to the end, or until something asks to stop; then a checkpoint holds the exact place. Throws
  /// ErrorCode::numerics when too many steps are not finite (nonfinite.h), ErrorCode::environment when
  /// checkpoints cannot be written: three in a row, or the last one.
  TrainOutcome run();

  Trainer& trainer() { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }
  const std::string& initial_note() const { return start_.note; }  ///< RunStart::note
  const DataSplits& data() const { return start_.data; }
  Model& model() { return *start_.model; }
  const ModelConfig& model_config() const { return start_.card.model; }
  const TransformOptions& transform() const { return start_.transform; }
  std::int64_t step() const { return trainer_->state().step; }  ///< optimizer steps so far
  /// The learning rate of a step of this run, were its schedule that of `config`.
  double lr_under(const TrainConfig& config, std::int64_t step) const;

 private:
  int checkpoint_hist_;
  Communicator& ranks_;
  RunStart start_;
  std::unique_ptr<Loader> train_loader_, eval_loader_;
  std::unique_ptr<Trainer> trainer_;
  Progress* progress_ = nullptr;
  std::unique_ptr<RunKeeper> keeper_;
  std::optional<ResumeOptions> resumed_;  ///< its checkpoint by name, not by link
};

}  // namespace salu
