// SPDX-License-Identifier: MIT
/// Settings in TOML files: what -c reads, and config.toml of a run. Keys stand without sections.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "run/settings.h"

namespace salu {

/// Reads TOML; `name` of the file begins the places. A key with an empty string counts as left out. Throws
/// ErrorCode::usage with line and column.
std::vector<Given> settings_in_toml(std::string_view text, const std::string& name);
/// The same of a file. Throws ErrorCode::usage when it cannot be read.
std::vector<Given> settings_in_file(const std::filesystem::path& file);

/// Every setting that is no action, as it is. Throws ErrorCode::usage for text that TOML cannot hold: bytes
/// that are no UTF-8.
std::string settings_as_toml(const Settings& settings);

/// Values by key, those of a list with spaces between them: for reports.
std::map<std::string, std::string> settings_of(std::string_view toml);

}  // namespace salu
