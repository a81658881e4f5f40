// SPDX-License-Identifier: MIT
#include "core/lock_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <system_error>

#include "core/error.h"
#include "core/file_ops.h"

namespace salu {
namespace {

struct Holder {
  pid_t pid = 0;  // 0: the file is still empty
  std::string host;
};

Holder read_holder(int fd) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  Holder holder;
  if (size > 0)
    std::istringstream(std::string(text.data(), static_cast<std::size_t>(size))) >> holder.pid >> holder.host;
  return holder;
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

/// True while `path` still names the open file: its previous owner may have removed it meanwhile.
bool is_at(const std::filesystem::path& path, int fd) {
  struct stat open_file {
  }, named{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

[[noreturn]] void fail_with_errno(const std::filesystem::path& path) {
  fail(ErrorCode::environment, "{}: cannot lock: {}", shown(path), std::generic_category().message(errno));
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

bool LockFile::try_lock() {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_with_errno(path_);
  const bool locked = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
  const bool kernel_says_held = !locked && errno == EWOULDBLOCK;
  const Holder holder = read_holder(fd_);
  const bool elsewhere = holder.pid != 0 && holder.host != host_name();
  // Some cluster file systems have no flock. There, a living process with this pid counts as the owner.
  const bool alive = !locked && holder.pid != 0 && is_alive(holder.pid);
  if (kernel_says_held || elsewhere || alive) {
    ::close(fd_);
    fail(ErrorCode::environment,
         "{}: in use by process {} on {}; expected one process per run folder. If that process is gone, "
         "delete {}",
         shown(path_.parent_path()), holder.pid, holder.host.empty() ? "this host" : escaped(holder.host),
         shown(path_));
  }
  if (is_at(path_, fd_)) return true;
  ::close(fd_);
  return false;
}

LockFile::LockFile(std::filesystem::path path) : path_(std::move(path)) {
  while (!try_lock()) {
  }
  const std::string text = fmt::format("{} {}\n", ::getpid(), host_name());
  if (::ftruncate(fd_, 0) != 0 ||
      ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const int error = errno;
    ::unlink(path_.c_str());
    ::close(fd_);
    errno = error;
    fail_with_errno(path_);
  }
}

LockFile::~LockFile() {
  ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace salu
