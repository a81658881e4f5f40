// SPDX-License-Identifier: MIT
/// Archives given in place of what is in them.
#pragma once

#include <filesystem>

namespace salu {

/// Throws ErrorCode::data when `path` is a regular file that begins like an archive.
void refuse_archive(const std::filesystem::path& path);

}  // namespace salu
