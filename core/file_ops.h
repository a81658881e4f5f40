// SPDX-License-Identifier: MIT
/// File operations. Every call that changes the disk goes through FileOps, so that a test can make the k-th
/// one fail or simulate a crash there. Reading needs no such hook.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace salu {

/// The named functions repeat interrupted calls and throw ErrorCode::environment with
/// path and reason when the system refuses.
class FileOps {
 public:
  using Path = std::filesystem::path;
  virtual ~FileOps() = default;

  int create(const Path& path);  ///< a new, empty file for writing; an existing one is emptied
  int append(const Path& path);  ///< opened for appending; created when missing
  /// One call of write(2). Returns how many of `bytes` the system accepted.
  std::size_t write_some(int fd, const Path& path, std::span<const std::byte> bytes);
  void sync(int fd, const Path& path);
  void close(int fd, const Path& path);
  /// Closes without reporting: for destructors.
  void abandon(int fd) { sys_close(fd); }
  void rename(const Path& from, const Path& to);
  void make_folder(const Path& path);   ///< the parent must exist, the folder must not
  bool claim_folder(const Path& path);  ///< make_folder() that returns false when the name is taken
  void make_folders(const Path& path);  ///< creates all parents; each new name is synced
  void remove_file(const Path& path);   ///< a file or a link
  void remove_tree(const Path& path);   ///< a folder and all in it; links are not followed
  void discard(const Path& path) { sys_unlink(path); }  ///< remove_file() without reporting
  /// Returns false on a file system without symbolic links.
  bool make_link(const Path& target, const Path& link);
  void sync_folder(const Path& path);  ///< fsync: makes the entries of a folder durable

 protected:
  // One system call each: its result, or -errno.
  virtual int sys_open(const Path& path, int flags);
  virtual ssize_t sys_write(int fd, std::span<const std::byte> bytes);
  virtual int sys_fsync(int fd);
  virtual int sys_close(int fd);
  virtual int sys_rename(const Path& from, const Path& to);
  virtual int sys_mkdir(const Path& path);
  virtual int sys_unlink(const Path& path);
  virtual int sys_rmdir(const Path& path);
  virtual int sys_symlink(const Path& target, const Path& link);

 private:
  int open(const Path& path, int flags);
};

FileOps& real_files();

/// Size and CRC-32C of a file.
struct FileDigest {
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  friend bool operator==(const FileDigest&, const FileDigest&) = default;
};

/// Writes a file and computes its digest.
class FileWriter {
 public:
  enum class Mode { create, append };
  FileWriter(FileOps& ops, std::filesystem::path path, Mode mode = Mode::create);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// After an exception, size() is the number of bytes that the system accepted.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Makes the contents durable and closes the file.
  FileDigest finish();
  std::uint64_t size() const { return digest_.size; }  ///< bytes written by this object

 private:
  FileOps& ops_;
  std::filesystem::path path_;
  int fd_;
  FileDigest digest_;
};

/// Replaces a file atomically: after a crash, `path` holds its old contents or all of `text`. A failure
/// leaves no temporary file.
void replace_file(FileOps& ops, const std::filesystem::path& path, std::string_view text);

/// The whole file. Throws `code` with path and reason; refuses anything but a regular file, so that it never
/// blocks on a pipe.
std::vector<std::byte> read_file(const std::filesystem::path& path, ErrorCode code);
/// read_file() as text, without a UTF-8 byte-order mark. Refuses UTF-16.
std::string read_text(const std::filesystem::path& path, ErrorCode code);
/// The lines of read_text() without their ends, which may be those of Windows.
std::vector<std::string> read_lines(const std::filesystem::path& path, ErrorCode code);

bool is_there(const std::filesystem::path& path);   ///< follows links; never throws
bool is_folder(const std::filesystem::path& path);  ///< follows links; never throws

std::string host_name();  ///< name of this machine

/// Writes a line to stderr. A failure is ignored: the work goes on when nobody takes the messages.
void tell(std::string_view line);

}  // namespace salu
