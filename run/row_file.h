// SPDX-License-Identifier: MIT
/// A file that grows row by row and outlives a full disk: what does not fit waits in memory and goes out, in
/// order, with a later row. So a run can wait for room without a hole in its numbers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/file_ops.h"

namespace salu {

class RowFile {
 public:
  /// Opens `path` for appending. Throws ErrorCode::environment when that fails.
  RowFile(FileOps& ops, const std::filesystem::path& path) : file_(ops, path, FileWriter::Mode::append) {}

  /// "" only tries what waits.
  void add(std::string_view row);
  /// Why rows wait, or "".
  const std::string& trouble() const { return trouble_; }

 private:
  FileWriter file_;
  std::string waiting_, trouble_;
};

}  // namespace salu
