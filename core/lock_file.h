// SPDX-License-Identifier: MIT
/// Keeps a second process out of a folder.
#pragma once

#include <filesystem>

namespace salu {

/// Holds a lock file with the pid and host of its owner until destroyed. The kernel's lock on the file
/// decides, so that a file left by a dead process is taken over; a file from another host, whose processes
/// cannot be seen from here, is respected. Throws ErrorCode::environment naming the holder.
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
