// SPDX-License-Identifier: MIT
#include "run/json_fields.h"

#include <algorithm>

#include "core/error.h"

namespace salu {
namespace {

using nlohmann::json;

/// Its beginning, as a message may show it.
std::string printed(const json& value) {
  constexpr std::size_t kShown = 60;
  return value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, kShown);
}

}  // namespace

std::int64_t checked_whole(const json& value, const char* name, std::int64_t low, std::int64_t high,
                           const std::string& file) {
  const bool small = value.is_number_unsigned()
                         ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                         : value.is_number_integer();
  if (!small || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    fail(ErrorCode::checkpoint, "{}: {} is {}; expected a whole number in {}..{}", file, name, printed(value),
         low, high);
  }
  return value.get<std::int64_t>();
}

std::int64_t image_side(const json& size, const std::string& file) {
  constexpr std::int64_t kMostSide = 16384;
  const bool numbers = size.is_array() && size.size() == 3 &&
                       std::all_of(size.begin(), size.end(), [](auto& n) { return n.is_number_integer(); });
  const auto at = [&](std::size_t i) { return size[i].get<std::int64_t>(); };
  if (!numbers || at(0) != 3 || at(1) != at(2) || at(1) < 1 || at(1) > kMostSide) {
    fail(ErrorCode::checkpoint, "{}: config.json: input size {}; expected [3, S, S]", file, printed(size));
  }
  return static_cast<std::int64_t>(at(1));
}

std::string utf8_or_escaped(const std::string& text) {
  try {
    static_cast<void>(json(text).dump());
    return text;
  } catch (const json::type_error&) {
    return escaped(text);
  }
}

}  // namespace salu
