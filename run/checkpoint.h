// SPDX-License-Identifier: MIT
/// The checkpoints of a run. A crash during a save leaves the old checkpoint or the new one, and loading
/// checks every byte.
///
///   RUN/checkpoints/epoch-0012/{model.safetensors,config.json,state.safetensors,COMMIT.json}
///   RUN/last -> checkpoints/epoch-0012        RUN/best -> checkpoints/epoch-0009
///
/// On a file system without symbolic links, `last` and `best` are files that hold the target. In a copy that
/// followed the links they are folders. Both are read, too.
///
/// A save writes a folder `.tmp-<name>`, makes its files durable, seals it with COMMIT.json, and renames it.
/// Only then are the links updated, and only then may older checkpoints be deleted.
#pragma once

#include "run/checkpoint_folder.h"

namespace salu {

/// The checkpoints of one run folder. Only one process writes at a time (ensured by RunFolder's lock).
class CheckpointStore {
 public:
  explicit CheckpointStore(std::filesystem::path run_dir, FileOps& ops = real_files());

  /// Saves a checkpoint, durable on return, and points `last` (and `best` on request) to it. An existing
  /// `name` is replaced just as safely. On an error the older checkpoints are intact, nothing half-written
  /// remains, and the message names the newest complete checkpoint.
  void save(const std::string& name, const Checkpoint& checkpoint, bool best);

  /// Loads "last", "best" or a checkpoint by name. Without a `last` link, loads the newest complete one.
  /// Throws ErrorCode::checkpoint; for a damaged one the message names the newest intact one.
  Checkpoint load(const std::string& name_or_link = "last") const;

  /// Resolves "last" or "best" to a name; returns any other name unchanged.
  std::optional<std::string> name_of(const std::string& name_or_link) const;
  bool has(const std::string& name) const;    ///< true when it is complete
  std::optional<std::string> newest() const;  ///< name of the complete checkpoint saved last

  /// "no complete checkpoint in RUN (1 unfinished: .tmp-epoch-0013)"
  std::string none_text() const;

  /// Deletes all complete checkpoints except the `keep_newest` newest at the end of an epoch, the targets of
  /// `last` and `best`, and `needed`. Checkpoints inside an epoch ("step-…") do not count: one is enough.
  /// Also deletes the unfinished leftovers of a crash.
  void prune(int keep_newest, const std::string& needed = "");
  /// Points `last` and `best` to these checkpoints; removes `best` when there is no such checkpoint.
  void set_links(const std::string& last, const std::string& best);

 private:
  struct Saved {
    std::string name;
    std::filesystem::path folder;
    std::int64_t sequence;
  };
  std::vector<Saved> saved() const;  // complete checkpoints, newest first
  std::filesystem::path folder_of(const std::string& name) const;
  void point(const std::string& link, const std::string& name);
  void remove_leftovers();
  std::string newest_intact_text(const std::string& except) const;

  std::filesystem::path run_dir_, folder_;
  FileOps& ops_;
};

/// Loads for evaluation. Accepts a run folder (its `last`; give RUN/best for the best), a checkpoint folder
/// or a link to one, a folder with only model.safetensors and config.json, as published by timm, that
/// model.safetensors itself, or a bare .safetensors file.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace salu
