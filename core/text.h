// SPDX-License-Identifier: MIT
/// Small helpers for the text of messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace salu {

/// The entry of `known` with the fewest edits (insert, delete, replace, swap of neighbours) to `name`, or ""
/// when even the best differs in more than a third of its letters (at least two). The first wins a tie.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// " (did you mean X?)", or "" when nothing is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

/// `word` as one would type it: quoted where a shell would take it for something else.
std::string shell_word(std::string_view word);

}  // namespace salu
