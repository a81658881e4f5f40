// SPDX-License-Identifier: MIT
#include "run/run_folder.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <span>

#include "core/text.h"
#include "run/checkpoint.h"
#include "run/environment.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = ".lock";
constexpr const char* kProbe = ".probe";
/// What a run writes before its first step.
constexpr const char* kFirstFiles[] = {"log.txt", "config.toml", "environment.json", kProbe};
/// What it writes later, beside its checkpoints; with a '*' at the end, whatever begins so.
constexpr const char* kLaterFiles[] = {"metrics.csv",  "metrics.jsonl", "coefficients.csv",
                                       "events.out.*", "curves.svg",    "report.html"};
/// The folders in checkpoints/.
constexpr const char* kCheckpoints[] = {"epoch-*", "step-*", ".tmp-*", ".old-*"};

bool is_one_of(std::span<const char* const> patterns, const fs::path& path) {
  const std::string name = path.filename().string();
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view own) {
    return own.ends_with('*') ? name.starts_with(own.substr(0, own.size() - 1)) : name == own;
  });
}

/// Of these files, or one of them on its way through replace_file().
bool is_file_of(std::span<const char* const> patterns, const fs::path& path) {
  return is_one_of(patterns, path.extension() == ".tmp" ? fs::path(path).replace_extension() : path);
}

std::vector<fs::directory_entry> contents(const fs::path& folder) {
  std::vector<fs::directory_entry> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename() != kLock) found.push_back(*it);
  }
  if (error) fail(ErrorCode::environment, "{}: cannot list: {}", shown(folder), error.message());
  return found;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// A killed run may not have come to its environment.json: then its lock lies there, and nothing that it did
/// not write.
bool is_run(const fs::path& path) {
  const fs::path environment = path / "environment.json";
  if (is_there(path / "config.toml") && is_there(environment)) {
    return !starts_of(read_text(environment, ErrorCode::environment)).empty();
  }
  return is_there(path / kLock) &&
         std::ranges::all_of(contents(path), [](const auto& e) { return is_file_of(kFirstFiles, e.path()); });
}

fs::path fresh_default(const RunFolderOptions& options) {
  const fs::path first = fs::path("runs") / run_name(std::time(nullptr), options.model, options.image_size);
  fs::path path = first;
  std::error_code error;
  for (int n = 2; fs::exists(path, error); ++n) path = fmt::format("{}-{}", first.string(), n);
  return path;
}

/// Refuses a folder that the flags do not fit.
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
       newest ? "newest checkpoint: " + escaped(*newest) : "no checkpoint in it",
       options.overwrite ? ", or a run to --overwrite: config.toml and environment.json" : "",
       newest && run ? fmt::format("Use --resume {} or --overwrite", word)
       : run         ? "Use --overwrite"
                     : "Give --output another name");
}

/// Folders of checkpoints, and checkpoints/ itself when nothing else is in it.
void remove_checkpoints(FileOps& ops, const fs::path& folder) {
  if (!is_folder(folder)) return;
  for (const auto& entry : contents(folder)) {
    if (entry.is_directory() && !entry.is_symlink() && is_one_of(kCheckpoints, entry.path()))
      ops.remove_tree(entry.path());
  }
  if (!fs::is_symlink(folder) && contents(folder).empty()) ops.remove_tree(folder);
}

/// What the run wrote. Files of others stay, and what makes it a run goes last: a kill in between leaves one.
void remove_run(FileOps& ops, const fs::path& path) {
  constexpr const char* kLinks[] = {"last", "best", ".tmp-last", ".tmp-best"};
  for (const char* name : kLinks) {
    if (is_there(path / name) && !fs::is_symlink(path / name)) {
      fail(ErrorCode::usage, "{}: is not a link to a checkpoint; expected nothing else there. Move it away",
           shown(path / name));
    }
  }
  remove_checkpoints(ops, path / "checkpoints");
  const auto remove = [&](const auto& is_doomed) {
    for (const auto& entry : contents(path)) {
      if ((entry.is_symlink() || !entry.is_directory()) && is_doomed(entry.path()))
        ops.remove_file(entry.path());
    }
  };
  remove([&](const fs::path& p) { return is_one_of(kLinks, p) || is_file_of(kLaterFiles, p); });
  remove([](const fs::path& p) { return is_file_of(kFirstFiles, p); });
}

}  // namespace

std::string run_name(std::time_t time, const std::string& model, int image_size) {
  return fmt::format("{:%Y%m%d-%H%M%S}-{}-{}", fmt::localtime(time), model, image_size);
}

RunFolder::RunFolder(const RunFolderOptions& options, FileOps& ops)
    : ops_(ops), path_(options.dir.empty() ? fresh_default(options) : options.dir) {
  check_contents(path_, options);
  ops_.make_folders(path_);
  lock_.emplace(path_ / kLock);
  if (options.overwrite && !options.resume) remove_run(ops_, path_);
  require_space(4096);
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
    const std::vector<std::byte> block(1 << 20,
                                       std::byte{0x5a});  // not zeros: some disks store those for free
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
