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

/// Parses TOML; places begin with `name`, the file's name. An empty string unsets a key. Throws
/// ErrorCode::usage with line and column.
std::vector<Given> settings_in_toml(std::string_view text, const std::string& name);
/// settings_in_toml() of a file. Throws ErrorCode::usage when it cannot be read.
std::vector<Given> settings_in_file(const std::filesystem::path& file);

/// All settings except actions, with their current values. Throws ErrorCode::usage for text that TOML cannot
/// hold: invalid UTF-8.
std::string settings_as_toml(const Settings& settings);

/// Values by key for reports; list elements are separated by spaces.
std::map<std::string, std::string> settings_of(std::string_view toml);

}  // namespace salu
