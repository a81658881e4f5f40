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
  /// A column by name; empty when there is none.
  const std::vector<double>& operator[](const std::string& name) const;
  /// The last number of a column; NaN when it is empty.
  double last(const std::string& name) const;
};

/// Parses a table with a header, as CsvLog writes it, up to the first malformed line.
NumberTable parse_csv(std::string_view text);
/// Parses the numbers of one object per line, as JsonLog writes them; skips other members and unreadable
/// lines.
NumberTable parse_json_lines(std::string_view text);

struct SavedCheckpoint {
  std::string name;
  std::uint64_t bytes = 0;
  bool is_last = false, is_best = false;
};

struct RunData {
  std::filesystem::path folder;
  std::string config;                           ///< text of config.toml
  std::map<std::string, std::string> settings;  ///< values of config.toml, without quotes
  NumberTable epochs, steps, coefficients;
  nlohmann::json starts = nlohmann::json::array();  ///< from environment.json
  std::vector<SavedCheckpoint> checkpoints;         ///< complete checkpoints, oldest first

  std::string setting(const std::string& key) const;  ///< "" when it is not set
  std::string data_name() const;  ///< name of the data set; for a folder or a pack the last part of its path
};

/// Throws ErrorCode::checkpoint when `folder` is not a run folder.
RunData read_run(const std::filesystem::path& folder);

}  // namespace salu
