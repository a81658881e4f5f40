// SPDX-License-Identifier: MIT
/// One checkpoint folder: how it is written, sealed and read.
///
/// COMMIT.json is the seal. It names size and CRC-32C of each file and ends in a CRC-32C of itself; a folder
/// without it was never finished.
#pragma once

#include <cstdint>
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
  nlohmann::json config;                        ///< config.json; null when missing
  nlohmann::json progress;  ///< counters; in state.safetensors, because JSON has no NaN or infinity
};

inline constexpr int kCheckpointFormat = 1;  ///< the format that this build writes, and the newest it reads

struct Commit {
  std::int64_t format = kCheckpointFormat;
  std::int64_t sequence =
      0;  ///< increases with every save of a run, because clocks may jump and names may repeat
  std::map<std::string, FileDigest> files;

  std::string text() const;
};

/// The seal of `folder`; nothing when it is missing or damaged. `files` is empty when the format is newer
/// than ours.
std::optional<Commit> read_commit(const std::filesystem::path& folder);

/// True when the seal is valid and every file has the recorded size. Does not read contents.
bool is_complete(const std::filesystem::path& folder);

/// Creates `folder` with model, config, state and seal, all durable. The caller makes the folder's own name
/// durable.
void write_checkpoint_folder(FileOps& ops, const std::filesystem::path& folder, const Checkpoint& checkpoint,
                             std::int64_t sequence);

/// Reads a sealed folder and checks every byte against the seal. Throws ErrorCode::checkpoint.
Checkpoint read_checkpoint_folder(const std::filesystem::path& folder);

/// Reads a folder without seal and state.
Checkpoint read_plain_folder(const std::filesystem::path& folder);

/// Throws ErrorCode::checkpoint when `metadata` shows that a newer version wrote the file.
void check_format(const std::map<std::string, std::string>& metadata, const std::string& file);

}  // namespace salu
