// SPDX-License-Identifier: MIT
/// config.toml of a run, as salutrain writes it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace salu {

/// Its lines `key=value`, without the quotes around a string. It is no reader of TOML: what people write goes
/// through the command line.
std::map<std::string, std::string> settings_of(std::string_view toml);

}  // namespace salu
