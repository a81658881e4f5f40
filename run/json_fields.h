// SPDX-License-Identifier: MIT
/// Values of a JSON file that may come from anywhere. nlohmann's get() would cut a fraction off and convert
/// what does not fit.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace salu {

inline constexpr std::int64_t kMostWhole = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kMostClasses = 1'000'000;

/// `value` as a whole number. Throws ErrorCode::checkpoint, naming `file` and `name`, when it is something
/// else or not in low .. high.
std::int64_t checked_whole(const nlohmann::json& value, const char* name, std::int64_t low, std::int64_t high,
                           const std::string& file);

/// [3, S, S] -> S. Throws ErrorCode::checkpoint for anything else.
std::int64_t image_side(const nlohmann::json& size, const std::string& file);

/// `text` when it is UTF-8, else escaped(text): JSON can hold it, and other bytes give another text.
std::string utf8_or_escaped(const std::string& text);

}  // namespace salu
