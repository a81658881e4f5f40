// SPDX-License-Identifier: MIT
#include "core/file_ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <system_error>

#include "core/crc32c.h"

namespace salu {

namespace fs = std::filesystem;

namespace {

/// Repeats a system call while a signal interrupts it.
template <class Call>
auto uninterrupted(Call&& call) {
  auto result = call();
  while (result == -EINTR) result = call();
  return result;
}

std::string reason(ssize_t negative_errno) {
  return std::generic_category().message(static_cast<int>(-negative_errno));
}

/// Throws unless `result` is a success. Example: `runs/x/last: cannot rename: No space left`.
void require(ssize_t result, const fs::path& path, const char* action) {
  if (result < 0) fail(ErrorCode::environment, "{}: cannot {}: {}", shown(path), action, reason(result));
}

template <class T>
T or_errno(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

int FileOps::sys_open(const Path& path, int flags) {
  return or_errno(::open(path.c_str(), flags | O_CLOEXEC, 0666));
}
ssize_t FileOps::sys_write(int fd, std::span<const std::byte> bytes) {
  return or_errno(::write(fd, bytes.data(), bytes.size()));
}
int FileOps::sys_fsync(int fd) { return or_errno(::fsync(fd)); }
int FileOps::sys_close(int fd) { return or_errno(::close(fd)); }
int FileOps::sys_rename(const Path& from, const Path& to) {
  return or_errno(::rename(from.c_str(), to.c_str()));
}
int FileOps::sys_mkdir(const Path& path) { return or_errno(::mkdir(path.c_str(), 0777)); }
int FileOps::sys_unlink(const Path& path) { return or_errno(::unlink(path.c_str())); }
int FileOps::sys_rmdir(const Path& path) { return or_errno(::rmdir(path.c_str())); }
int FileOps::sys_symlink(const Path& target, const Path& link) {
  return or_errno(::symlink(target.c_str(), link.c_str()));
}

int FileOps::open(const Path& path, int flags) {
  const int fd = uninterrupted([&] { return sys_open(path, flags); });
  require(fd, path, "open");
  return fd;
}

int FileOps::create(const Path& path) { return open(path, O_WRONLY | O_CREAT | O_TRUNC); }
int FileOps::append(const Path& path) { return open(path, O_WRONLY | O_CREAT | O_APPEND); }

std::size_t FileOps::write_some(int fd, const Path& path, std::span<const std::byte> bytes) {
  const ssize_t done = uninterrupted([&] { return sys_write(fd, bytes); });
  require(done, path, "write");
  return static_cast<std::size_t>(done);
}

void FileOps::sync(int fd, const Path& path) {
  require(uninterrupted([&] { return sys_fsync(fd); }), path, "make durable");
}

void FileOps::close(int fd, const Path& path) {
  const int result = sys_close(fd);
  // Linux has closed the descriptor even when it reports an interruption: a second close could hit another
  // file.
  if (result != -EINTR) require(result, path, "close");
}

void FileOps::rename(const Path& from, const Path& to) {
  require(uninterrupted([&] { return sys_rename(from, to); }), to, "rename");
}

bool FileOps::claim_folder(const Path& path) {
  const int result = uninterrupted([&] { return sys_mkdir(path); });
  if (result != -EEXIST) require(result, path, "create the folder");
  return result == 0;
}

void FileOps::make_folder(const Path& path) {
  if (!claim_folder(path)) require(-EEXIST, path, "create the folder");
}

void FileOps::make_folders(const Path& path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return;
  make_folders(path.parent_path());
  if (fs::is_directory(path, ignored)) return;  // "a/" equals its parent "a"
  // Another process may make the same folder at this moment.
  if (!claim_folder(path) && !fs::is_directory(path, ignored)) require(-EEXIST, path, "create the folder");
  sync_folder(parent_of(path));
}

void FileOps::remove_file(const Path& path) {
  require(uninterrupted([&] { return sys_unlink(path); }), path, "remove");
}

void FileOps::remove_tree(const Path& path) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(*it);
  }
  require(-error.value(), path, "list");
  for (const auto& entry : entries) {
    if (entry.is_directory() && !entry.is_symlink()) {
      remove_tree(entry.path());
    } else {
      remove_file(entry.path());
    }
  }
  require(uninterrupted([&] { return sys_rmdir(path); }), path, "remove the folder");
}

bool FileOps::make_link(const Path& target, const Path& link) {
  const int result = uninterrupted([&] { return sys_symlink(target, link); });
  // A disk that cannot hold links gives one of many errors: EPERM, EOPNOTSUPP, ENOSYS, EPROTO, even EROFS.
  const bool is_trouble = result == -EIO || result == -ENOSPC || result == -EDQUOT || result == -EEXIST;
  if (is_trouble) require(result, link, "create the link");
  return result == 0;
}

void FileOps::sync_folder(const Path& path) {
  const int fd = open(path, O_RDONLY | O_DIRECTORY);
  const int result = uninterrupted([&] { return sys_fsync(fd); });
  abandon(fd);
  // Some network file systems have no fsync for folders, and write entries at once.
  if (result != -EINVAL) require(result, path, "make the folder durable");
}

FileOps& real_files() {
  static FileOps files;
  return files;
}

FileWriter::FileWriter(FileOps& ops, fs::path path, Mode mode)
    : ops_(ops), path_(std::move(path)), fd_(mode == Mode::create ? ops.create(path_) : ops.append(path_)) {}

FileWriter::~FileWriter() {
  if (fd_ >= 0) ops_.abandon(fd_);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t done = ops_.write_some(fd_, path_, bytes);
    digest_.size += done;
    digest_.crc = crc32c(bytes.first(done), digest_.crc);
    bytes = bytes.subspan(done);
  }
}

FileDigest FileWriter::finish() {
  ops_.sync(fd_, path_);
  ops_.close(std::exchange(fd_, -1), path_);
  return digest_;
}

void replace_file(FileOps& ops, const fs::path& path, std::string_view text) {
  fs::path next = path;
  next += ".tmp";
  FileWriter file(ops, next);
  try {
    file.write(text);
    file.finish();
    ops.rename(next, path);
  } catch (const Error&) {
    ops.discard(next);
    throw;
  }
  ops.sync_folder(parent_of(path));
}

std::vector<std::byte> read_file(const fs::path& path, ErrorCode code) {
  // O_NONBLOCK: opening a pipe without a writer would block forever.
  const int fd =
      uninterrupted([&] { return or_errno(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); });
  if (fd < 0) fail(code, "{}: cannot open: {}", shown(path), reason(fd));
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } const closer{fd};
  struct stat info {};
  if (::fstat(fd, &info) != 0) fail(code, "{}: cannot read: {}", shown(path), reason(-errno));
  if (!S_ISREG(info.st_mode)) fail(code, "{}: not a regular file", shown(path));

  std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t used = 0;
  while (used < bytes.size()) {
    const ssize_t got =
        uninterrupted([&] { return or_errno(::read(fd, bytes.data() + used, bytes.size() - used)); });
    if (got < 0) fail(code, "{}: cannot read: {}", shown(path), reason(got));
    if (got == 0) break;  // truncated during the read
    used += static_cast<std::size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

std::string read_text(const fs::path& path, ErrorCode code) {
  const std::vector<std::byte> bytes = read_file(path, code);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    fail(code, "{}: is UTF-16; expected UTF-8. Save it as UTF-8", shown(path));
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return std::string(text);
}

std::vector<std::string> read_lines(const fs::path& path, ErrorCode code) {
  std::istringstream text(read_text(path, code));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

void tell(std::string_view line) {
  const std::string text = fmt::format("{}\n", line);
  std::fwrite(text.data(), 1, text.size(), stderr);  // fmt::print would throw
}

}  // namespace salu
