// SPDX-License-Identifier: MIT
/// Names of enumerations as the programs spell them.
#pragma once

#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace salu {

template <class Value, std::size_t n>
std::vector<std::string> choice_names(const std::pair<const char*, Value> (&table)[n]) {
  std::vector<std::string> names;
  for (const auto& row : table) names.push_back(row.first);
  return names;
}

/// The value of `name` in a table of (name, value); throws ErrorCode::usage naming the known ones.
template <class Value, std::size_t n>
Value choice_of(const char* flag, const std::pair<const char*, Value> (&table)[n], const std::string& name) {
  for (const auto& [text, value] : table) {
    if (name == text) return value;
  }
  const std::vector<std::string> known = choice_names(table);
  fail(ErrorCode::usage, "{}: unknown name '{}'; expected one of {}{}", flag, escaped(name),
       fmt::join(known, ", "), did_you_mean(name, known));
}

template <class Enum, std::size_t n>
const char* choice_name(const std::pair<const char*, Enum> (&table)[n], Enum wanted) {
  for (const auto& [text, value] : table) {
    if (value == wanted) return text;
  }
  return "?";
}

}  // namespace salu
