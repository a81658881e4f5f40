// SPDX-License-Identifier: MIT
/// A disk that fails or loses power at a chosen operation.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/file_ops.h"

namespace salu::test {

enum class Fault {
  none,
  error_before,  ///< EIO, nothing done
  error_after,   ///< done, but EIO
  no_space,      ///< ENOSPC, nothing done
  broken,        ///< EIO from here on
  crash_before,
  crash_after,
  short_write,  ///< half of the bytes
  interrupted,  ///< EINTR, nothing done
};

/// What a power failure takes: everything is kept, contents that were not synced go, names that were not
/// synced go, or both.
struct Loss {
  bool data = false, names = false;
};

/// Thrown at a crash; not an Error, so that nobody can handle it.
struct Crash {};

/// Works on a real folder and keeps a model beside it: what is there, and what is durable. After a crash
/// every operation does nothing, and power_off() leaves in the folder what the disk would hold.
class FaultDisk : public FileOps {
 public:
  /// Starts with what is in `root`, all of it durable.
  explicit FaultDisk(std::filesystem::path root);
  ~FaultDisk() override { close_all(); }

  void arm(int operation, Fault fault) {
    armed_ = operation;
    fault_ = fault;
    count_ = 0;
  }
  int operations() const { return count_; }  ///< since arm()
  bool crashed() const { return crashed_; }
  void power_off(Loss loss);
  void restart() { crashed_ = false; }  ///< another process goes on with the same disk

 protected:
  int sys_open(const Path& path, int flags) override;
  ssize_t sys_write(int fd, std::span<const std::byte> bytes) override;
  int sys_fsync(int fd) override;
  int sys_close(int fd) override;
  int sys_rename(const Path& from, const Path& to) override;
  int sys_mkdir(const Path& path) override;
  int sys_unlink(const Path& path) override;
  int sys_rmdir(const Path& path) override;
  int sys_symlink(const Path& target, const Path& link) override;

 private:
  struct Node {
    enum class Kind { file, folder, link } kind = Kind::file;
    std::string data, durable_data;  // of a file; the target of a link, which is as durable as its name
    std::map<std::string, std::shared_ptr<Node>> names, durable_names;  // of a folder
  };
  using NodePtr = std::shared_ptr<Node>;

  void close_all();
  static NodePtr scan(const Path& path);
  static void restore(const Node& folder, const Path& path, Loss loss);
  NodePtr find(const Path& path) const;
  std::map<std::string, NodePtr>& names_of_parent(const Path& path) const {
    return find(path.parent_path())->names;
  }
  template <class Operation>
  auto counted(Operation&& operation) -> decltype(operation());

  Path root_;
  NodePtr disk_;
  std::map<int, NodePtr> open_;
  int armed_ = -1, count_ = 0;
  Fault fault_ = Fault::none;
  bool crashed_ = false;
};

}  // namespace salu::test
