// SPDX-License-Identifier: MIT
/// The numbers of a run, in every file that shows them: metrics.csv and coefficients.csv (a row per epoch),
/// metrics.jsonl (an object per logged step) and TensorBoard's events.
#pragma once

#include "layers/norm_act.h"
#include "run/event_log.h"
#include "train/trainer.h"

namespace salu {

/// One curve a x / sqrt(1 + a b x^2): slope S/W near 0, saturating at S, with the bend at x = W.
struct CurveShape {
  std::string layer;    ///< "layer1.0.norm1"
  bool gate = false;    ///< true: SWALU or GALU; false: a stabilizer (SALU)
  double saturation{};  ///< S = sqrt(a/b)
  double width{};       ///< W = 1/sqrt(ab)
};

/// All curves in order of creation, from the first layer to the last. `positive` is that of the network.
std::vector<CurveShape> curve_shapes(const ParameterStore& store, Positive positive);

/// True when the layer's name is that of an activation, not a norm.
bool is_gate(const std::string& layer);

class RunLog {
 public:
  /// `columns` of metrics.csv, the epoch first. With `resumed`, truncates every file to it. coefficients.csv
  /// begins with epoch 0, the curves before training; without curves it is not created.
  RunLog(const std::filesystem::path& folder, std::vector<std::string> columns,
         const std::vector<CurveShape>& curves, const std::optional<TrainState>& resumed,
         FileOps& ops = real_files());

  /// `row` has the members step and epoch; all others are numbers and become tags "train/…".
  void step(const nlohmann::json& row);
  /// `row` as the columns. "eval_top1" becomes the tag "eval/top1", "lr" "epoch/lr"; S and W of a curve
  /// "salu_S/layer" and "salu_W/layer".
  void epoch(std::int64_t step, const std::vector<double>& row, const std::vector<CurveShape>& curves);

  /// Reason why rows wait in memory, or "".
  std::string trouble();
  /// Retries the waiting rows. Throws ErrorCode::environment when the disk is still full.
  void finish();

 private:
  std::vector<RowFile*> files();
  void write_curves(std::int64_t step, double epoch, const std::vector<CurveShape>& curves);

  std::vector<std::string> columns_;
  CsvLog csv_;
  JsonLog jsonl_;
  EventLog events_;
  std::optional<CsvLog> coefficients_;
};

/// Copies the log files from one run folder to another, where the run continues.
void copy_logs(FileOps& ops, const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace salu
