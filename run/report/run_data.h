// SPDX-License-Identifier: MIT
/// Reads a run folder for a report. Only config.toml must be there: a run in progress may have no checkpoint
/// yet, and its last lines may be unfinished.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace salu {

/// Columns of numbers by name; NaN where a cell is empty.
struct NumberTable {
  std::vector<std::string> names;  ///< in the order of the file
  std::map<std::string, std::vector<double>> columns;
  std::size_t rows = 0;

  bool has(const std::string& name) const { return columns.contains(name); }
  /// The column, or an empty one.
  const std::vector<double>& operator[](const std::string& name) const;
  /// The last number of a column; NaN when there is none.
  double last(const std::string& name) const;
};

/// A table with a header, as CsvLog writes it; ends before the first line that does not fit.
NumberTable parse_csv(std::string_view text);
/// The numbers of one object per line, as JsonLog writes them; other members and unreadable lines are
/// skipped.
NumberTable parse_json_lines(std::string_view text);

struct SavedCheckpoint {
  std::string name;
  std::uint64_t bytes = 0;
  bool is_last = false, is_best = false;
};

struct RunData {
  std::filesystem::path folder;
  std::string config;                           ///< config.toml as it is
  std::map<std::string, std::string> settings;  ///< of it, without quotes
  NumberTable epochs, steps, coefficients;
  nlohmann::json starts = nlohmann::json::array();  ///< of environment.json
  std::vector<SavedCheckpoint> checkpoints;         ///< complete ones, the oldest first

  std::string setting(const std::string& key) const;  ///< "" when there is none
  std::string data_name() const;  ///< of the data set; for a folder or a pack the last part of its path
};

/// Throws ErrorCode::checkpoint when `folder` is no run folder.
RunData read_run(const std::filesystem::path& folder);

}  // namespace salu
