// SPDX-License-Identifier: MIT
#include "train/run_folder.h"

#include <fmt/chrono.h>

#include <algorithm>

#include "train/checkpoint.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = ".lock";
constexpr const char* kProbe = ".probe";
/// What a run writes; with a '*' at the end, whatever begins so.
constexpr const char* kOwnFiles[] = {
    "config.toml", "environment.json", "log.txt",     "metrics.csv",   "metrics.jsonl",   "events.out.*",
    "curves.svg",  "report.html",      "confusion.*", "per_class.csv", "checkpoints",     "last",
    "best",        "bad_images.txt",   ".tmp-*",      kProbe,          "coefficients.csv"};

bool is_own(const std::string& name) {
  return std::any_of(std::begin(kOwnFiles), std::end(kOwnFiles), [&](std::string_view own) {
    return own.ends_with('*') ? name.starts_with(own.substr(0, own.size() - 1)) : name == own;
  });
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
  if (!exists || options.resume || options.overwrite || contents(path).empty()) return;
  const auto newest = CheckpointStore(path).newest();
  fail(ErrorCode::usage,
       "{}: is not empty ({}); expected a new or an empty folder. Use --resume {} or --overwrite",
       shown(path), newest ? "newest checkpoint: " + escaped(*newest) : "no checkpoint in it", shown(path));
}

void remove_own_files(FileOps& ops, const fs::path& path) {
  for (const auto& entry : contents(path)) {
    if (!is_own(entry.path().filename().string())) continue;
    if (entry.is_directory() && !entry.is_symlink()) {
      ops.remove_tree(entry.path());
    } else {
      ops.remove_file(entry.path());
    }
  }
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
  if (options.overwrite && !options.resume) remove_own_files(ops_, path_);
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
