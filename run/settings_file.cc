// SPDX-License-Identifier: MIT
#include "run/settings_file.h"

#include <algorithm>

namespace salu {
namespace {

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'');
  return quoted && value.back() == value.front() ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

std::map<std::string, std::string> settings_of(std::string_view toml) {
  std::map<std::string, std::string> settings;
  while (!toml.empty()) {
    const std::string_view line = toml.substr(0, toml.find('\n'));
    toml.remove_prefix(std::min(line.size() + 1, toml.size()));
    const std::size_t equals = line.find('=');
    if (equals == line.npos) continue;
    settings[std::string(line.substr(0, equals))] = without_quotes(line.substr(equals + 1));
  }
  return settings;
}

}  // namespace salu
