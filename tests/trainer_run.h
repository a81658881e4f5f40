// SPDX-License-Identifier: MIT
/// Whole runs of seconds through TrainingRun, watched; and the same run again, step by step, without Trainer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "run/training_run.h"
#include "tests/temp_folder.h"

namespace salu::test {

/// What a loop without Trainer needs to repeat a step.
struct SeenBatch {
  Tensor images, targets;
};

/// 10 batches of 4 small random images an epoch; a checkpoint of every epoch is kept.
TrainConfig small_run(const std::string& model, std::uint64_t seed, std::int64_t epochs);

struct WatchedRun {
  std::string error = "no error";        ///< error_of() the run
  std::vector<SeenBatch> batches;        ///< by step, as the loader made them
  std::vector<nlohmann::json> rows;      ///< of metrics.jsonl
  std::vector<std::string> checkpoints;  ///< names
  std::string log;                       ///< log.txt
};

/// Runs `config` in `folder`; `resume` goes on with its last checkpoint. `change` gets every batch before its
/// step.
WatchedRun run_watched(const TrainConfig& config, const std::filesystem::path& folder, bool resume,
                       const std::function<void(Batch&, std::int64_t)>& change = {},
                       FileOps& files = quick_files());

/// A step that a run really took, and the factor on its learning rate.
struct TakenStep {
  std::int64_t step;
  double lr_factor = 1;
};

/// Takes these steps, and no others, on a fresh network; the result as a checkpoint holds it.
Checkpoint repeat_steps(const TrainConfig& config, const std::vector<SeenBatch>& batches,
                        const std::vector<TakenStep>& steps);

/// "" or the first tensor of weights, statistics, optimizer or averages that differs in a bit.
std::string first_difference(const Checkpoint& got, const Checkpoint& want);

/// "" or the first tensor that holds NaN or Inf.
std::string find_non_finite(const Checkpoint& checkpoint);

}  // namespace salu::test
