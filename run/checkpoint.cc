// SPDX-License-Identifier: MIT
#include "run/checkpoint.h"

#include <algorithm>

#include "core/text.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".tmp-";  // being written, or being deleted
constexpr std::string_view kReplaced = ".old-";    // complete; temporary name while its own name is replaced

fs::path prefixed(std::string_view prefix, const std::string& name) { return std::string(prefix) + name; }

/// The names in a folder, sorted; none when it does not exist.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_link(const fs::path& path) {
  std::error_code error;
  return fs::is_symlink(path, error);
}

bool is_checkpoint_name(const std::string& name) {
  return !name.empty() && name != "last" && name != "best" && name.front() != '.' &&
         name.find('/') == std::string::npos;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path run_dir, FileOps& ops)
    : run_dir_(std::move(run_dir)), folder_(run_dir_ / "checkpoints"), ops_(ops) {}

std::vector<CheckpointStore::Saved> CheckpointStore::saved() const {
  std::vector<Saved> found;
  for (const std::string& name : names_in(folder_)) {
    const bool replaced = name.starts_with(kReplaced);
    if (name.front() == '.' && !replaced) continue;
    const std::string real_name = replaced ? name.substr(kReplaced.size()) : name;
    if (replaced && is_complete(folder_ / real_name)) continue;
    if (!is_complete(folder_ / name)) continue;
    found.push_back({real_name, folder_ / name, read_commit(folder_ / name)->sequence});
  }
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.sequence > b.sequence; });
  return found;
}

std::optional<std::string> CheckpointStore::newest() const {
  const auto all = saved();
  return all.empty() ? std::nullopt : std::optional(all.front().name);
}

bool CheckpointStore::has(const std::string& name) const { return is_complete(folder_of(name)); }

std::optional<std::string> CheckpointStore::name_of(const std::string& name_or_link) const {
  if (name_or_link != "last" && name_or_link != "best") return name_or_link;
  const fs::path place = run_dir_ / name_or_link;
  std::error_code error;
  const fs::path target = fs::read_symlink(place, error);
  if (!error) return target.filename().string();
  if (const auto copied = read_commit(place)) {
    for (const Saved& saved : saved()) {
      if (saved.sequence == copied->sequence) return saved.name;
    }
  } else if (fs::is_regular_file(place, error)) {
    const std::string text = read_text(place, ErrorCode::checkpoint);
    return fs::path(text.substr(0, text.find('\n'))).filename().string();
  }
  return name_or_link == "last" ? newest() : std::nullopt;  // a crash before the first link was made
}

fs::path CheckpointStore::folder_of(const std::string& name) const {
  const fs::path replaced = folder_ / prefixed(kReplaced, name);
  return !is_complete(folder_ / name) && is_complete(replaced) ? replaced : folder_ / name;
}

void CheckpointStore::point(const std::string& link, const std::string& name) {
  const fs::path next = run_dir_ / prefixed(kUnfinished, link), place = run_dir_ / link,
                 target = fs::path("checkpoints") / name, copied = folder_ / prefixed(kUnfinished, link);
  if (!ops_.make_link(target, next)) {
    FileWriter file(ops_, next);
    file.write(target.string() + "\n");
    file.finish();
  }
  const bool is_copy = !is_link(place) && read_commit(place);
  if (is_copy) ops_.rename(place, copied);
  ops_.rename(next, place);
  if (is_copy) ops_.remove_tree(copied);
}

void CheckpointStore::remove_leftovers() {
  for (const char* link : {"last", "best"}) {
    const fs::path next = run_dir_ / prefixed(kUnfinished, link);
    if (is_link(next) || is_there(next)) ops_.remove_file(next);
  }
  const auto names = names_in(folder_);
  const auto is_leftover = [](const std::string& name) {
    return name.starts_with(kUnfinished) || name.starts_with(kReplaced);
  };
  if (std::none_of(names.begin(), names.end(), is_leftover)) return;
  ops_.sync_folder(folder_);  // makes the replacement durable before the leftover is deleted
  for (const std::string& name : names) {
    if (name.starts_with(kUnfinished)) ops_.remove_tree(folder_ / name);
    if (!name.starts_with(kReplaced)) continue;
    const fs::path place = folder_ / name.substr(kReplaced.size());
    if (is_complete(place)) {
      ops_.remove_tree(folder_ / name);
    } else {
      if (is_there(place)) ops_.remove_tree(place);
      ops_.rename(folder_ / name, place);
    }
  }
}

void CheckpointStore::save(const std::string& name, const Checkpoint& checkpoint, bool best) {
  check(is_checkpoint_name(name), "[checkpoint] expected a name such as epoch-0012, got '{}'", name);
  const fs::path place = folder_ / name, next = folder_ / prefixed(kUnfinished, name),
                 replaced = folder_ / prefixed(kReplaced, name);
  try {
    ops_.make_folders(folder_);
    remove_leftovers();
    const auto before = saved();
    write_checkpoint_folder(ops_, next, checkpoint, before.empty() ? 0 : before.front().sequence + 1);
    const bool replaces = is_there(place);
    if (replaces) ops_.rename(place, replaced);
    ops_.rename(next, place);
    ops_.sync_folder(folder_);
    point("last", name);
    if (best) point("best", name);
    ops_.sync_folder(run_dir_);
    if (replaces) remove_leftovers();
  } catch (const Error& error) {
    try {
      remove_leftovers();
    } catch (const Error&) {
      // The disk refuses deletion, too: the next save tries again, and loading ignores leftovers.
    }
    const auto intact = newest();
    throw Error(error.code(), fmt::format("{}. {}", error.what(),
                                          intact ? "The newest complete checkpoint is " + *intact
                                                 : "There is no complete checkpoint in " + shown(run_dir_)));
  }
}

void CheckpointStore::set_links(const std::string& last, const std::string& best) {
  remove_leftovers();
  for (const auto& [link, name] : {std::pair("last", last), std::pair("best", best)}) {
    if (has(name) && (name_of(link) != name || !is_link(run_dir_ / link))) point(link, name);
  }
  const fs::path old = run_dir_ / "best";
  if (!has(best) && (is_link(old) || is_there(old))) {
    read_commit(old) && !is_link(old) ? ops_.remove_tree(old) : ops_.remove_file(old);
  }
  ops_.sync_folder(run_dir_);
}

void CheckpointStore::prune(int keep_newest, const std::string& needed) {
  remove_leftovers();
  const auto last = name_of("last"), best = name_of("best");
  std::vector<fs::path> doomed;
  int rank = 0;
  for (const Saved& saved : saved()) {
    const bool newest = !saved.name.starts_with("step-") && rank++ < keep_newest;
    if (newest || saved.name == last || saved.name == best || saved.name == needed) continue;
    doomed.push_back(folder_ / prefixed(kUnfinished, saved.name));
    ops_.rename(saved.folder, doomed.back());
  }
  if (doomed.empty()) return;
  ops_.sync_folder(folder_);  // makes the renames durable, so that no folder reappears with files missing
  for (const fs::path& folder : doomed) ops_.remove_tree(folder);
}

std::string CheckpointStore::none_text() const {
  std::string unfinished;
  int count = 0;
  for (const std::string& name : names_in(folder_)) {
    if (!name.starts_with(kUnfinished)) continue;
    unfinished += (count++ ? ", " : "") + name;
  }
  std::string text = fmt::format("no complete checkpoint in {}", shown(run_dir_));
  return count ? fmt::format("{} ({} unfinished: {})", text, count, unfinished) : text;
}

std::string CheckpointStore::newest_intact_text(const std::string& except) const {
  for (const Saved& saved : saved()) {
    if (saved.name == except) continue;
    try {
      read_checkpoint_folder(saved.folder);
      return fmt::format("Newest intact checkpoint: {}", saved.name);
    } catch (const Error&) {
      continue;
    }
  }
  return "There is no other intact checkpoint";
}

Checkpoint CheckpointStore::load(const std::string& name_or_link) const {
  const std::optional<std::string> name = name_of(name_or_link);
  if (!name && name_or_link == "best" && newest()) {
    fail(ErrorCode::checkpoint, "{}: no best checkpoint; the newest is {}", shown(run_dir_), *newest());
  }
  if (!name || (!read_commit(folder_of(*name)) && !newest())) fail(ErrorCode::checkpoint, "{}", none_text());
  try {
    return read_checkpoint_folder(folder_of(*name));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::checkpoint) throw;
    throw Error(error.code(), fmt::format("{}. {}", error.what(), newest_intact_text(*name)));
  }
}

Checkpoint load_checkpoint(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error && path.filename() == "best" && is_folder(path.parent_path() / "checkpoints")) {
    fail(ErrorCode::checkpoint,
         "{}: no epoch was chosen: the run had no validation images, or its best epoch is gone. Give {}",
         shown(path), shown(path.parent_path()));
  }
  if (error) fail(ErrorCode::checkpoint, "{}: cannot open: {}", shown(path), error.message());
  const bool is_text_link = (path.filename() == "last" || path.filename() == "best") && !is_folder(real) &&
                            is_folder(path.parent_path() / "checkpoints");
  if (is_text_link) return CheckpointStore(path.parent_path()).load(path.filename().string());
  if (!is_folder(real)) {
    // Looks beside the path, not beside the link's target: download caches link into a folder of hashed
    // files.
    const bool published =
        path.filename() == "model.safetensors" && is_there(path.parent_path() / "config.json");
    if (published) return read_plain_folder(path.parent_path());
    SafetensorsFile file = read_safetensors(path);
    check_format(file.metadata, shown(path));
    Checkpoint checkpoint;
    checkpoint.model = std::move(file.tensors);
    checkpoint.metadata = std::move(file.metadata);
    return checkpoint;
  }
  if (is_there(real / "COMMIT.json") || is_there(real / "state.safetensors")) {
    if (real.parent_path().filename() != "checkpoints") return read_checkpoint_folder(real);
    return CheckpointStore(real.parent_path().parent_path()).load(real.filename().string());
  }
  if (is_folder(real / "checkpoints")) return CheckpointStore(path).load("last");
  if (is_there(real / "model.safetensors")) return read_plain_folder(path);
  fail(ErrorCode::checkpoint,
       "{}: no checkpoint; expected a run folder, a folder with model.safetensors, or a .safetensors file",
       shown(path));
}

}  // namespace salu
