// SPDX-License-Identifier: MIT
/// COMMIT.json: the seal on a checkpoint folder. It names size and CRC-32C of each file and ends in a CRC-32C
/// of itself; a folder without it was never finished.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/file_ops.h"

namespace salu {

inline constexpr int kCheckpointFormat = 1;  ///< what this build writes, and the newest it reads

struct Commit {
  std::int64_t format = kCheckpointFormat;
  std::int64_t sequence = 0;  ///< grows with every save in a run: clocks may jump, names may repeat
  std::map<std::string, FileDigest> files;

  std::string text() const;
};

/// The seal of `folder`; nothing when it is absent or damaged. `files` is empty when the format is newer than
/// ours.
std::optional<Commit> read_commit(const std::filesystem::path& folder);

/// True when the seal is valid and every file has the size it names; contents are not read.
bool is_complete(const std::filesystem::path& folder);

}  // namespace salu
