// SPDX-License-Identifier: MIT
/// The commands of salutrain about data sets: `salutrain pack` and `salutrain verify`.
#pragma once

#include <string>
#include <vector>

namespace salu {

/// `arguments` follow the command's name. Both return the exit code.
int pack_command(const std::vector<std::string>& arguments);
/// Prints findings on stdout; returns 3 when there are any.
int verify_command(const std::vector<std::string>& arguments);

}  // namespace salu
