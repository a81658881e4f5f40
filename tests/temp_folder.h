// SPDX-License-Identifier: MIT
/// A folder that goes away with the test, and files to put into it.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/error.h"
#include "core/file_ops.h"

namespace salu::test {

class TempFolder {
 public:
  TempFolder() {
    // In memory where there is such a place: thousands of small files then take no time.
    const bool memory = ::access("/dev/shm", W_OK) == 0;
    std::string name =
        (memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) / "salu-XXXXXX";
    if (!::mkdtemp(name.data())) fail(ErrorCode::environment, "{}: cannot create the folder", name);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The real disk without waiting for it.
class QuickFiles : public FileOps {
 protected:
  int sys_fsync(int) override { return 0; }
};
inline FileOps& quick_files() {
  static QuickFiles files;
  return files;
}

/// Writes a file, making what is needed of its folder.
inline void put(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  FileWriter file(quick_files(), path);
  file.write(text);
  file.finish();
}

}  // namespace salu::test
