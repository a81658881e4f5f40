// SPDX-License-Identifier: MIT
/// Files that grow row by row: metrics.csv (a row per epoch) and metrics.jsonl (an object per logged step).
/// Each row reaches the system before the call returns, unless the disk is full: a row that does not fit
/// waits in memory and is written, in order, with a later one. A resumed run first cuts the rows beyond the
/// point where it resumes, so that no row is there twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_ops.h"

namespace salu {

class RowFile {
 public:
  /// Opens `path` for appending. Throws ErrorCode::environment when that fails.
  RowFile(FileOps& ops, const std::filesystem::path& path) : file_(ops, path, FileWriter::Mode::append) {}

  /// Appends a row. An empty row retries the rows that could not be written.
  void add(std::string_view row);
  /// Reason why rows are waiting, or "".
  const std::string& trouble() const { return trouble_; }

 private:
  FileWriter file_;
  std::string waiting_, trouble_;
};

class CsvLog {
 public:
  /// Without `resume_after`, empties an existing file; with it, keeps rows up to that epoch. The first column
  /// is the epoch. Throws ErrorCode::usage when an existing file has other columns.
  CsvLog(const std::filesystem::path& path, std::vector<std::string> columns,
         std::optional<std::int64_t> resume_after = {}, FileOps& ops = real_files());
  /// One value per column; NaN leaves the cell empty.
  void row(const std::vector<double>& values);
  RowFile& file() { return file_; }

 private:
  std::size_t columns_;
  RowFile file_;
};

class JsonLog {
 public:
  /// As CsvLog; the member "step" of each row replaces the epoch.
  explicit JsonLog(const std::filesystem::path& path, std::optional<std::int64_t> resume_after = {},
                   FileOps& ops = real_files());
  /// Appends an object with an integer "step". NaN and infinity become null.
  void row(const nlohmann::json& object);
  RowFile& file() { return file_; }

 private:
  RowFile file_;
};

}  // namespace salu
