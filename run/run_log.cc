// SPDX-License-Identifier: MIT
#include "run/run_log.h"

#include <cmath>

namespace salu {
namespace {

using Key = std::optional<std::int64_t>;

Key epoch_of(const std::optional<RunProgress>& at) { return at ? Key(at->epoch) : Key(); }
Key step_of(const std::optional<RunProgress>& at) { return at ? Key(at->step) : Key(); }

/// "eval_top1" -> "eval/top1": TensorBoard puts tags of one group side by side.
std::string tag_of(std::string column) {
  for (const char* group : {"eval_", "ema_"}) {
    if (column.starts_with(group)) {
      column[std::string_view(group).size() - 1] = '/';
      return column;
    }
  }
  return "epoch/" + column;
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& folder, std::vector<std::string> columns,
               const std::vector<CurveShape>& curves, const std::optional<RunProgress>& resumed, FileOps& ops)
    : columns_(std::move(columns)),
      csv_(folder / "metrics.csv", columns_, epoch_of(resumed), ops),
      jsonl_(folder / "metrics.jsonl", step_of(resumed), ops),
      events_(folder, step_of(resumed), ops) {
  if (curves.empty()) return;
  std::vector<std::string> names{"epoch"};
  for (const CurveShape& curve : curves) {
    names.push_back(curve.layer + ".S");
    names.push_back(curve.layer + ".W");
  }
  coefficients_.emplace(folder / "coefficients.csv", names, epoch_of(resumed), ops);
  if (!resumed) write_curves(0, 0, curves);
}

void RunLog::step(const nlohmann::json& row) {
  jsonl_.row(row);
  std::vector<Scalar> scalars;
  for (const auto& [name, value] : row.items()) {
    if (name != "step" && name != "epoch") scalars.push_back({"train/" + name, value.get<double>()});
  }
  events_.write(row.at("step").get<std::int64_t>(), scalars);
}

void RunLog::epoch(std::int64_t step, const std::vector<double>& row, const std::vector<CurveShape>& curves) {
  csv_.row(row);
  std::vector<Scalar> scalars;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (!std::isnan(row[i])) scalars.push_back({tag_of(columns_[i]), row[i]});
  }
  events_.write(step, scalars);
  write_curves(step, row[0], curves);
}

std::vector<RowFile*> RunLog::files() {
  std::vector<RowFile*> all{&csv_.file(), &jsonl_.file()};
  if (coefficients_) all.push_back(&coefficients_->file());
  if (events_.file()) all.push_back(events_.file());
  return all;
}

std::string RunLog::trouble() {
  for (const RowFile* file : files()) {
    if (!file->trouble().empty()) return file->trouble();
  }
  return "";
}

void RunLog::finish() {
  for (RowFile* file : files()) file->add("");
  if (const std::string why = trouble(); !why.empty()) {
    fail(ErrorCode::environment, "{}. The checkpoints are intact, the newest rows of the log are lost", why);
  }
}

void RunLog::write_curves(std::int64_t step, double epoch, const std::vector<CurveShape>& curves) {
  if (!coefficients_) return;
  std::vector<double> row{epoch};
  std::vector<Scalar> scalars;
  for (const CurveShape& curve : curves) {
    row.push_back(curve.saturation);
    row.push_back(curve.width);
    scalars.push_back({"salu_S/" + curve.layer, curve.saturation});
    scalars.push_back({"salu_W/" + curve.layer, curve.width});
  }
  coefficients_->row(row);
  events_.write(step, scalars);
}

}  // namespace salu
