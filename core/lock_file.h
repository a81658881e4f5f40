// SPDX-License-Identifier: MIT
/// A lock that gives a folder to one process at a time.
#pragma once

#include <filesystem>

namespace salu {

/// Holds a lock file with the pid and host of its owner until destroyed. The kernel's lock on the file
/// decides, so a file that a dead process left is taken over. A file from another host is respected, because
/// the processes there cannot be seen. Throws ErrorCode::environment naming the owner.
class LockFile {
 public:
  explicit LockFile(std::filesystem::path path);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  bool try_lock();
  std::filesystem::path path_;
  int fd_ = -1;
};

/// The name of this machine.
std::string host_name();

}  // namespace salu
