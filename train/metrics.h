// SPDX-License-Identifier: MIT
/// metrics.csv (a row per epoch) and metrics.jsonl (an object per logged step). Each row reaches the system
/// before the call returns. A resumed run first cuts what lies beyond the point where it resumes, so that no
/// row is there twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "train/file_ops.h"

namespace salu {

class CsvLog {
 public:
  /// Without `resume_after` an existing file is emptied; with it, rows up to that epoch stay. The first
  /// column is the epoch. Throws ErrorCode::usage when an existing file has other columns.
  CsvLog(const std::filesystem::path& path, std::vector<std::string> columns,
         std::optional<std::int64_t> resume_after = {}, FileOps& ops = real_files());
  /// One value per column; NaN leaves the cell empty.
  void row(const std::vector<double>& values);

 private:
  std::size_t columns_;
  FileWriter file_;
};

class JsonLog {
 public:
  /// As CsvLog, by the member "step" of each row.
  explicit JsonLog(const std::filesystem::path& path, std::optional<std::int64_t> resume_after = {},
                   FileOps& ops = real_files());
  /// An object with a whole number "step". NaN and infinity become null.
  void row(const nlohmann::json& object);

 private:
  FileWriter file_;
};

}  // namespace salu
