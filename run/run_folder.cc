// SPDX-License-Identifier: MIT
#include "run/run_folder.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>

#include "core/text.h"
#include "run/checkpoint.h"
#include "run/environment.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProbe = ".probe";

struct Owner {
  pid_t pid = 0;  // 0: the file is empty
  std::string host;
};

Owner read_owner(int fd) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  Owner owner;
  if (size > 0) {
    std::istringstream(std::string(text.data(), static_cast<std::size_t>(size))) >> owner.pid >> owner.host;
  }
  return owner;
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

std::vector<fs::directory_entry> contents(const fs::path& folder) {
  std::vector<fs::directory_entry> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename() != RunLock::kName) found.push_back(*it);
  }
  if (error) fail(ErrorCode::environment, "{}: cannot list: {}", shown(folder), error.message());
  return found;
}

bool is_run(const fs::path& path) {
  if (is_there(path / RunLock::kName)) return true;
  const fs::path environment = path / "environment.json";  // older runs lack `.salunet`
  return is_there(path / "config.toml") && is_there(environment) &&
         !starts_of(read_text(environment, ErrorCode::environment)).empty();
}

/// Creates the folder: mkdir decides between runs that start in the same second.
fs::path fresh_default(const RunFolderOptions& options, FileOps& ops) {
  const fs::path first = fs::path("runs") / run_name(std::time(nullptr), options.model, options.image_size);
  ops.make_folders(first.parent_path());
  fs::path path = first;
  for (int n = 2; !ops.claim_folder(path); ++n) path = fmt::format("{}-{}", first.string(), n);
  return path;
}

/// Throws unless the folder's contents fit the flags.
void check_contents(const fs::path& path, const RunFolderOptions& options) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (error) fail(ErrorCode::environment, "{}: cannot open: {}", shown(path), error.message());
  if (exists && !fs::is_directory(path, error)) {
    fail(ErrorCode::usage, "{}: is a file; expected a folder. Give --output another name", shown(path));
  }
  if (options.resume && !exists) fail(ErrorCode::usage, "{}: no such run folder to resume", shown(path));
  if (!exists || options.resume || contents(path).empty()) return;
  const bool run = is_run(path);
  if (options.overwrite && run) return;
  const auto newest = CheckpointStore(path).newest();
  const std::string word = shell_word(path.string());
  fail(ErrorCode::usage, "{}: is not empty ({}); expected a new or an empty folder{}. {}", shown(path),
       newest ? "newest checkpoint: " + *newest : "no checkpoint in it",
       options.overwrite ? ", or a run to --overwrite" : "",
       newest && run ? fmt::format("Use --resume {} or --overwrite", word)
       : run         ? "Use --overwrite"
                     : "Give --output another name");
}

/// The names that a run writes; a name with ".tmp" before or after it is an unfinished one.
constexpr std::string_view kOwnNames[] = {
    "config.toml", "environment.json", "log.txt",     "metrics.csv", "metrics.jsonl", "coefficients.csv",
    "report.html", "curves.svg",       "checkpoints", "last",        "best",          kProbe};

bool is_own(std::string_view name) {
  if (name.starts_with("events.out.tfevents.")) return true;
  if (name.starts_with(".tmp-")) name.remove_prefix(5);
  if (name.ends_with(".tmp")) name.remove_suffix(4);
  return std::ranges::find(kOwnNames, name) != std::end(kOwnNames);
}

/// Leaves files of others in the folder.
void remove_run(FileOps& ops, const fs::path& path) {
  for (const auto& entry : contents(path)) {
    if (!is_own(entry.path().filename().string())) continue;
    const bool folder = entry.is_directory() && !entry.is_symlink();
    folder ? ops.remove_tree(entry.path()) : ops.remove_file(entry.path());
  }
}

}  // namespace

RunLock::RunLock(const fs::path& folder) {
  const fs::path path = folder / kName;
  const auto refuse = [&] {
    const std::string reason = std::generic_category().message(errno);
    if (fd_ >= 0) ::close(fd_);
    fail(ErrorCode::environment, "{}: cannot lock: {}", shown(path), reason);
  };
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) refuse();
  const bool locked = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
  const bool kernel_says_held = !locked && errno == EWOULDBLOCK;
  const Owner owner = read_owner(fd_);
  const bool elsewhere = owner.pid != 0 && owner.host != host_name();
  // Some cluster file systems lack flock: there, a living process with this pid counts as the owner.
  const bool alive = owner.pid != 0 && is_alive(owner.pid);
  if (kernel_says_held || (!locked && (elsewhere || alive))) {
    ::close(fd_);
    fail(ErrorCode::environment,
         "{}: in use by process {} on {}; expected one process per run folder. If that process is gone, "
         "delete {}",
         shown(folder), owner.pid, owner.host.empty() ? "this host" : owner.host, shown(path));
  }
  if (elsewhere) taken_from_ = fmt::format("process {} on {}", owner.pid, owner.host);
  const std::string text = fmt::format("{} {}\n", ::getpid(), host_name());
  if (::ftruncate(fd_, 0) != 0 ||
      ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    refuse();
  }
}

RunLock::~RunLock() {
  if (::ftruncate(fd_, 0) != 0) {
    // The kernel releases the lock when the process ends; only another host treats the run as owned.
  }
  ::close(fd_);
}

std::string run_name(std::time_t time, const std::string& model, int image_size) {
  return fmt::format("{:%Y%m%d-%H%M%S}-{}-{}", fmt::localtime(time), model, image_size);
}

RunFolder::RunFolder(const RunFolderOptions& options, FileOps& ops)
    : ops_(ops), path_(options.dir.empty() ? fresh_default(options, ops) : options.dir) {
  check_contents(path_, options);
  ops_.make_folders(path_);
  lock_.emplace(path_);
  check_contents(path_, options);  // another run may have begun and ended here since
  if (const std::string& owner = lock_->taken_from(); !owner.empty()) {
    notes_.push_back(fmt::format("{}: the lock of {} was free and is taken over", shown(path_), owner));
  }
  if (options.overwrite && !options.resume) remove_run(ops_, path_);
  require_space(4096);
  if (ops_.make_link(".", path_ / kProbe)) {
    ops_.remove_file(path_ / kProbe);
  } else {
    notes_.push_back(fmt::format(
        "{}: no symbolic links here: `last` and `best` are files that name their checkpoint", shown(path_)));
  }
}

void RunFolder::require_space(std::uint64_t checkpoint_bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(path_, error);
  if (!error && space.available / 2 < checkpoint_bytes) {
    fail(ErrorCode::environment, "{}: {} bytes free; expected room for two checkpoints of {} bytes",
         shown(path_), grouped(space.available), grouped(checkpoint_bytes));
  }
  const fs::path probe = path_ / kProbe;
  try {
    FileWriter file(ops_, probe);
    // Not zeros, because some file systems store those for free.
    const std::vector<std::byte> block(1 << 20, std::byte{0x5a});
    for (std::uint64_t left = checkpoint_bytes; left > 0;) {
      const auto part = std::min<std::uint64_t>(left, block.size());
      file.write(std::span(block).first(part));
      left -= part;
    }
    file.finish();
    ops_.remove_file(probe);
  } catch (const Error&) {
    fs::remove(probe, error);
    throw;
  }
}

}  // namespace salu
