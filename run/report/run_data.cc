// SPDX-License-Identifier: MIT
#include "run/report/run_data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "run/checkpoint.h"
#include "run/environment.h"
#include "run/settings_file.h"

namespace salu {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The complete lines of a text; the rest after the last '
/// n' is still being written.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    lines.push_back(text.substr(0, end));
  }
  return lines;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t end; (end = line.find(',')) != line.npos; line.remove_prefix(end + 1)) {
    cells.push_back(line.substr(0, end));
  }
  cells.push_back(line);
  return cells;
}

/// NaN for an empty cell; nothing for a cell that is not a number.
std::optional<double> number_of(std::string_view cell) {
  double value = NAN;
  if (cell.empty()) return value;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && end == cell.data() + cell.size() ? std::optional(value) : std::nullopt;
}

std::string text_or_nothing(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) ? read_text(path, ErrorCode::environment) : "";
}

std::vector<SavedCheckpoint> checkpoints_of(const fs::path& folder) {
  std::error_code error;
  const CheckpointStore store(folder);
  const auto last = store.name_of("last"), best = store.name_of("best");
  std::vector<std::pair<std::int64_t, SavedCheckpoint>> found;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", error)) {
    const auto commit = read_commit(entry.path());
    if (!commit || !is_complete(entry.path())) continue;
    SavedCheckpoint saved{entry.path().filename().string()};
    for (const auto& [name, digest] : commit->files) saved.bytes += digest.size;
    saved.is_last = saved.name == last;
    saved.is_best = saved.name == best;
    found.emplace_back(commit->sequence, std::move(saved));
  }
  std::ranges::sort(found, {}, [](const auto& f) { return f.first; });
  std::vector<SavedCheckpoint> out;
  for (auto& [sequence, saved] : found) out.push_back(std::move(saved));
  return out;
}

}  // namespace

const std::vector<double>& NumberTable::operator[](const std::string& name) const {
  static const std::vector<double> none;
  const auto it = columns.find(name);
  return it == columns.end() ? none : it->second;
}

double NumberTable::last(const std::string& name) const {
  const std::vector<double>& column = (*this)[name];
  const auto last = std::find_if(column.rbegin(), column.rend(), [](double v) { return !std::isnan(v); });
  return last == column.rend() ? NAN : *last;
}

NumberTable parse_csv(std::string_view text) {
  NumberTable table;
  const auto lines = lines_of(text);
  if (lines.empty()) return table;
  for (const std::string_view name : cells_of(lines[0])) table.names.emplace_back(name);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<double> values;
    for (const std::string_view cell : cells_of(lines[i])) {
      if (const auto value = number_of(cell)) values.push_back(*value);
    }
    if (values.size() != table.names.size()) break;
    for (std::size_t c = 0; c < values.size(); ++c) table.columns[table.names[c]].push_back(values[c]);
    ++table.rows;
  }
  return table;
}

NumberTable parse_json_lines(std::string_view text) {
  NumberTable table;
  std::vector<json> objects;
  std::set<std::string> names;
  for (const std::string_view line : lines_of(text)) {
    json object = json::parse(line, nullptr, false);
    if (!object.is_object()) continue;
    for (const auto& [name, value] : object.items()) {
      if (value.is_number()) names.insert(name);
    }
    objects.push_back(std::move(object));
  }
  table.names.assign(names.begin(), names.end());
  table.rows = objects.size();
  for (const std::string& name : names) {
    for (const json& object : objects) {
      const auto it = object.find(name);
      table.columns[name].push_back(it != object.end() && it->is_number() ? it->get<double>() : NAN);
    }
  }
  return table;
}

std::string RunData::setting(const std::string& key) const {
  const auto it = settings.find(key);
  return it == settings.end() ? "" : it->second;
}

std::string RunData::data_name() const {
  const std::string dataset = setting("dataset");
  if (dataset != "folder" && dataset != "packed") return dataset;
  fs::path path = setting("data-dir");
  if (path.filename().empty()) path = path.parent_path();
  return path.filename().string();
}

RunData read_run(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / "config.toml", error)) {
    fail(ErrorCode::checkpoint,
         "{}: no run is there (config.toml is missing). Give the folder that salutrain printed",
         shown(folder));
  }
  RunData run;
  run.folder = folder;
  run.config = read_text(folder / "config.toml", ErrorCode::environment);
  run.settings = settings_of(run.config);
  run.epochs = parse_csv(text_or_nothing(folder / "metrics.csv"));
  run.steps = parse_json_lines(text_or_nothing(folder / "metrics.jsonl"));
  run.coefficients = parse_csv(text_or_nothing(folder / "coefficients.csv"));
  run.starts = starts_of(text_or_nothing(folder / "environment.json"));
  run.checkpoints = checkpoints_of(folder);
  return run;
}

}  // namespace salu
