// SPDX-License-Identifier: MIT
/// Checkpoints: saved so that a crash at any instant leaves the old one or the new one, and loaded only when
/// every byte is as it was written.
///
///   RUN/checkpoints/epoch-0012/{model.safetensors,config.json,state.safetensors,COMMIT.json}
///   RUN/last -> checkpoints/epoch-0012        RUN/best -> checkpoints/epoch-0009
///
/// A save writes a folder `.tmp-<name>`, makes its files durable, seals it with COMMIT.json, and renames it.
/// Only then do the links move, and only then may older checkpoints go. Up to `last` the checkpoints are one
/// history: a run that goes on from an earlier one gives up those behind it.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/file_ops.h"
#include "run/safetensors.h"

namespace salu {

struct Checkpoint {
  std::vector<NamedTensor> model;               ///< model.safetensors, under PyTorch's names and layouts
  std::vector<NamedTensor> state;               ///< state.safetensors: optimizer, EMA
  std::map<std::string, std::string> metadata;  ///< salu.* keys of model.safetensors
  nlohmann::json config;                        ///< config.json; null when there is none
  nlohmann::json progress;  ///< counters, in state.safetensors; JSON has no NaN or infinity
};

/// The checkpoints of one run folder. One process at a time may write (RunFolder's lock sees to it).
class CheckpointStore {
 public:
  explicit CheckpointStore(std::filesystem::path run_dir, FileOps& ops = real_files());

  /// Durable on return; `last`, and `best` on request, point to it. `name` may exist already: it is replaced
  /// as safely as a new one is made. Those that go_on_from() gave up go. On an error the older checkpoints
  /// are intact, nothing half-written remains, and the message names the newest complete checkpoint.
  void save(const std::string& name, const Checkpoint& checkpoint, bool best);

  /// "last", "best" or the name of a checkpoint. Without a `last` link the newest complete one is loaded.
  /// Throws ErrorCode::checkpoint; for a damaged one the message names the newest intact one.
  Checkpoint load(const std::string& name_or_link = "last") const;

  /// For a run that goes on from this one: `last` points to it, and `best` to the checkpoint `best` if that
  /// is there and not younger; else there is no link `best`. Durable on return. Those that were saved after
  /// it are given up: they can be loaded by name until the next save, but do not count any more. Returns
  /// them.
  std::vector<std::string> go_on_from(const std::string& name_or_link, const std::string& best);

  /// The complete checkpoint that was saved last, of those that count.
  std::optional<std::string> newest() const;

  /// "no complete checkpoint in RUN (1 unfinished: .tmp-epoch-0013)"
  std::string none_text() const;

  /// Deletes all complete checkpoints but the `keep_newest` newest of an epoch, those that `last` and `best`
  /// point to, and `needed`. Those inside an epoch ("step-…") do not count: one is enough.
  void prune(int keep_newest, const std::string& needed = "");

 private:
  struct Saved {
    std::string name;
    std::filesystem::path folder;
    std::int64_t sequence;
  };
  std::vector<Saved> saved() const;     // complete ones, newest first
  std::vector<Saved> given_up() const;  // saved, but after `last`; newest first
  std::optional<std::string> target_of(const std::string& link) const;
  std::optional<std::string> name_of(const std::string& name_or_link) const;
  std::filesystem::path folder_of(const std::string& name) const;
  void point(const std::string& link, const std::string& name);
  void remove_leftovers();
  std::string newest_intact_text(const std::string& except) const;

  std::filesystem::path run_dir_, folder_;
  FileOps& ops_;
};

/// For evaluation. Accepts a run folder (its `last`; give RUN/best for the best), a checkpoint folder or a
/// link to one, a folder with only model.safetensors and config.json, as published by timm, that
/// model.safetensors itself, or a bare .safetensors file.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace salu
