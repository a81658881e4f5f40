// SPDX-License-Identifier: MIT
/// Catch2 v2 and v3 behind one include.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <functional>

#include "core/error.h"

namespace salu::test {

/// The message of the Error that `call` throws, prefixed by its exit code: "3: cut.jpg: truncated …".
/// "no error" when it returns.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return fmt::format("{}: {}", static_cast<int>(e.code()), e.what());
  }
  return "no error";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace salu::test
