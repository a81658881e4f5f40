// SPDX-License-Identifier: MIT
/// The folder of one training run.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/file_ops.h"

namespace salu {

struct RunFolderOptions {
  std::filesystem::path dir;  ///< empty: runs/YYYYmmdd-HHMMSS-model-size
  std::string model;
  int image_size = 0;
  bool resume = false;     ///< the folder must exist; its contents are kept
  bool overwrite = false;  ///< deletes the files of an earlier run there; other files stay
};

/// The file `.salunet`, which marks a run folder. The run's owner holds the kernel's lock on it and writes
/// its pid and host into it. Where the kernel's lock is free, the owner is gone: its lock is taken over, also
/// that of another host, as containers have a new name at every start. Where the file system has no such
/// locks, the lock of another host is respected, because its processes are not visible from here. Throws
/// ErrorCode::environment naming the owner.
class RunLock {
 public:
  static constexpr const char* kName = ".salunet";
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  const std::string& taken_from() const { return taken_from_; }  ///< "process 12 on HOST", or ""

 private:
  int fd_ = -1;
  std::string taken_from_;
};

/// Creates or opens the folder, takes its lock, and writes a probe file, so that a read-only or full disk
/// shows before the first step. Throws ErrorCode::usage when the folder is not empty and neither flag is set,
/// when it is to be overwritten but is not a run, or when there is nothing to resume. Throws
/// ErrorCode::environment when another process owns it or it is not writable.
class RunFolder {
 public:
  explicit RunFolder(const RunFolderOptions& options, FileOps& ops = real_files());

  const std::filesystem::path& path() const { return path_; }
  FileOps& files() const { return ops_; }
  /// Lines for the user: a lock taken over, no symbolic links.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Throws ErrorCode::environment unless the disk has room for two files of `checkpoint_bytes` and one can
  /// be written.
  void require_space(std::uint64_t checkpoint_bytes) const;

 private:
  FileOps& ops_;
  std::filesystem::path path_;
  std::optional<RunLock> lock_;
  std::vector<std::string> notes_;
};

/// "20260801-101500-resnet20-32" in local time.
std::string run_name(std::time_t time, const std::string& model, int image_size);

}  // namespace salu
