// SPDX-License-Identifier: MIT
/// The records of a training, in its run folder and on the screen: checkpoints, the log, lines of progress.
#pragma once

#include "run/checkpoint.h"
#include "run/progress.h"
#include "run/run_log.h"
#include "run/run_start.h"
#include "train/trainer.h"

namespace salu {

/// TrainKeeper that writes to a run folder. Only rank 0 writes; all ranks learn whether it succeeded.
class RunKeeper : public TrainKeeper {
 public:
  /// The arguments must outlive it. `keep` is --checkpoint-hist.
  RunKeeper(Trainer& trainer, const RunStart& start, const std::filesystem::path& folder, int keep,
            FileOps& files, Progress& progress, Communicator& ranks);

  /// Continues from the checkpoint `name` of the run `from`, already restored into the trainer. If `from` is
  /// another folder, copies log and checkpoints up to that point. Otherwise throws ErrorCode::usage unless
  /// `name` is the last checkpoint.
  void go_on_from(const std::filesystem::path& from, const std::string& name);
  void open_log();   ///< truncated to the trainer's state
  void close_log();  ///< throws ErrorCode::environment when rows are lost
  /// "Stopped at step 12. Newest complete checkpoint: epoch-0003; go on with: mpirun -n 2 salutrain …"
  std::string how_to_go_on() const;

  void step(const TrainFigures& figures) override;
  void progress(const TrainFigures& figures) override;
  void epoch(const TrainFigures& figures, const EpochScores& scores, bool best) override;
  void note(const std::string& line) override;
  bool save(const std::string& name, bool best) override;
  void save_last(const std::string& name) override;
  void restore(const std::string& name) override;

 private:
  void copy_run(const std::filesystem::path& from, const std::string& name, const std::string& best);
  void write(const std::string& name, bool best);        // throws on all ranks alike
  void write_files(const std::string& name, bool best);  // rank 0 only
  void warn_of_full_disk();                              // once, when log rows cannot be written
  std::vector<CurveShape> curves() const;

  Trainer& trainer_;
  const RunStart& start_;
  std::filesystem::path folder_;
  int keep_;
  FileOps& files_;
  Progress& progress_;
  Communicator& ranks_;
  CheckpointStore checkpoints_;
  std::unique_ptr<RunLog> log_;   // rank 0 only
  std::int64_t saved_step_ = -1;  // step of the checkpoint saved or resumed last
  int failed_saves_ = 0;          // consecutive failures
  bool rows_wait_ = false;
};

}  // namespace salu
