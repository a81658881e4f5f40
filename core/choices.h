// SPDX-License-Identifier: MIT
/// Names of enumerations as the programs spell them.
#pragma once

#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace salu {

/// The value of `name` in a table of (name, value), or nothing.
template <class Enum, std::size_t n>
std::optional<Enum> find_choice(const std::pair<const char*, Enum> (&table)[n], const std::string& name) {
  for (const auto& [text, value] : table) {
    if (name == text) return value;
  }
  return std::nullopt;
}

template <class Enum, std::size_t n>
std::vector<std::string> choice_names(const std::pair<const char*, Enum> (&table)[n]) {
  std::vector<std::string> names;
  for (const auto& [text, value] : table) names.emplace_back(text);
  return names;
}

/// find_choice() for user input: throws ErrorCode::usage with the known names when `name` is none of them.
template <class Enum, std::size_t n>
Enum choice_of(const char* flag, const std::pair<const char*, Enum> (&table)[n], const std::string& name) {
  if (const auto value = find_choice(table, name)) return *value;
  const std::vector<std::string> known = choice_names(table);
  fail(ErrorCode::usage, "{}: unknown name '{}'; expected one of {}{}", flag, name, fmt::join(known, ", "),
       did_you_mean(name, known));
}

/// The name of a value.
template <class Enum, std::size_t n>
const char* choice_name(const std::pair<const char*, Enum> (&table)[n], Enum wanted) {
  for (const auto& [text, value] : table) {
    if (value == wanted) return text;
  }
  return "?";
}

}  // namespace salu
