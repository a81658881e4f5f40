// SPDX-License-Identifier: MIT
/// Small helpers for the text of messages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace salu {

/// The entry of `known` with the fewest edits (insert, delete, replace, swap of neighbours) to `name`, or ""
/// when even the best differs in more than a third of its letters (at least two). The first wins a tie.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// " (did you mean X?)", or "" when no name is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

/// Length in bytes of the first UTF-8 character of a non-empty `text`. 0 when it is invalid: truncated,
/// overlong, a surrogate, or beyond U+10FFFF.
std::size_t utf8_bytes(std::string_view text);

/// A path for messages, escaped().
std::string shown(const std::filesystem::path& path);

/// `word` as typed in a shell: quoted when it has special characters.
std::string shell_word(std::string_view word);

/// The fields of a line of CSV, of which some may stand in quotes: a,"b, ""c""" -> a; b, "c".
std::vector<std::string> csv_fields(std::string_view line);

/// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);

}  // namespace salu
