// SPDX-License-Identifier: MIT
#include "run/run_log.h"

#include <cmath>
#include <map>

#include "core/ops/salu_math.h"

namespace salu {
namespace {

using Key = std::optional<std::int64_t>;

Key epoch_of(const std::optional<TrainState>& at) { return at ? Key(at->epoch) : Key(); }
Key step_of(const std::optional<TrainState>& at) { return at ? Key(at->step) : Key(); }

/// "eval_top1" -> "eval/top1": TensorBoard groups tags by prefix.
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

bool is_gate(const std::string& layer) {
  const std::size_t dot = layer.rfind('.');
  return layer.compare(dot == layer.npos ? 0 : dot + 1, 3, "act") == 0;
}

std::vector<CurveShape> curve_shapes(const ParameterStore& store, Positive positive) {
  const std::string first = ".alpha", second = ".beta";  // names as in CurveParameters
  std::map<std::string, const Parameter*> betas;
  for (const Parameter& parameter : store.parameters()) {
    if (parameter.group == ParameterGroup::coefficients && parameter.name.ends_with(second)) {
      betas[parameter.name.substr(0, parameter.name.size() - second.size())] = &parameter;
    }
  }
  const auto value_of = [](const Parameter& p) { return p.variable.value().values<double>()[0]; };
  std::vector<CurveShape> shapes;
  for (const Parameter& alpha : store.parameters()) {
    if (!alpha.name.ends_with(first)) continue;
    const std::string layer = alpha.name.substr(0, alpha.name.size() - first.size());
    const auto beta = betas.find(layer);
    if (beta == betas.end()) continue;  // DyT and Derf have only a slope
    const Curve<double> curve = curve_of({value_of(alpha), value_of(*beta->second), positive});
    shapes.push_back({layer, is_gate(layer), curve.s, 1 / curve.inv_w});
  }
  return shapes;
}

RunLog::RunLog(const std::filesystem::path& folder, std::vector<std::string> columns,
               const std::vector<CurveShape>& curves, const std::optional<TrainState>& resumed, FileOps& ops)
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

void copy_logs(FileOps& ops, const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    const bool log = name == "metrics.csv" || name == "metrics.jsonl" || name == "coefficients.csv" ||
                     name == "environment.json" || name.starts_with("events.out.tfevents.");
    if (log) replace_file(ops, to / name, read_text(entry.path(), ErrorCode::environment));
  }
}

}  // namespace salu
