// SPDX-License-Identifier: MIT
/// One checkpoint folder: how it is written and read. Where it stands and what points to it is
/// checkpoint.h's.
#pragma once

#include <filesystem>

#include "run/checkpoint.h"
#include "run/commit.h"

namespace salu {

/// Creates `folder` with model, config, state and seal, all durable; the name of the folder is not.
void write_checkpoint_folder(FileOps& ops, const std::filesystem::path& folder, const Checkpoint& checkpoint,
                             std::int64_t sequence);

/// Reads a sealed folder and compares every byte with the seal. Throws ErrorCode::checkpoint.
Checkpoint read_checkpoint_folder(const std::filesystem::path& folder);

/// Reads a folder without seal and state.
Checkpoint read_plain_folder(const std::filesystem::path& folder);

/// Throws ErrorCode::checkpoint when `metadata` says that a newer program wrote the file.
void check_format(const std::map<std::string, std::string>& metadata, const std::string& file);

}  // namespace salu
