// SPDX-License-Identifier: MIT
/// The folder of one training run.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

#include "core/file_ops.h"

namespace salu {

struct RunFolderOptions {
  std::filesystem::path dir;  ///< empty: runs/YYYYmmdd-HHMMSS-model-size
  std::string model;
  int image_size = 0;
  bool resume = false;     ///< the folder must exist, whatever is in it
  bool overwrite = false;  ///< an earlier run there is deleted, with all that is in its folder
};

/// The file `.salunet`, which marks a folder as that of a run. The owner of the run holds the kernel's lock
/// on it and writes its pid and host into it: a lock that a dead process has left is taken over, one of
/// another host, whose processes cannot be seen from here, is respected. Throws ErrorCode::environment naming
/// the owner.
class RunLock {
 public:
  static constexpr const char* kName = ".salunet";
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_ = -1;
};

/// Creates or opens the folder, takes its lock, and writes a probe, so that a read-only or full disk shows
/// before the first step. Throws ErrorCode::usage when the folder holds something and neither flag is set,
/// when it holds something and is no run to overwrite, or when there is nothing to resume;
/// ErrorCode::environment when another process has it or it cannot be written to.
class RunFolder {
 public:
  explicit RunFolder(const RunFolderOptions& options, FileOps& ops = real_files());

  const std::filesystem::path& path() const { return path_; }
  FileOps& files() const { return ops_; }
  /// Throws ErrorCode::environment unless a file of `checkpoint_bytes` can be written and two of them fit.
  void require_space(std::uint64_t checkpoint_bytes) const;

 private:
  FileOps& ops_;
  std::filesystem::path path_;
  std::optional<RunLock> lock_;
};

/// "20260801-101500-resnet20-32" in local time.
std::string run_name(std::time_t time, const std::string& model, int image_size);

}  // namespace salu
