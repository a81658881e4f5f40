// SPDX-License-Identifier: MIT
/// The commands of salutrain about data sets: `salutrain pack` and `salutrain verify`.
#pragma once

#include <string>
#include <vector>

namespace salu {

/// `arguments` stand behind the command. Both return the exit code.
int pack_command(const std::vector<std::string>& arguments);
/// Findings go to stdout; 3 when there are any.
int verify_command(const std::vector<std::string>& arguments);

}  // namespace salu
