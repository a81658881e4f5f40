// SPDX-License-Identifier: MIT
/// Errors: one exception type that carries the exit code of the programs.
#pragma once

#if !defined(__CUDACC__)
#include <fmt/format.h>
#endif

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace salu {

/// What went wrong; the value is the exit code of `salutrain` and `saluevaluate`.
enum class ErrorCode {
  internal = 1,     ///< a bug: an op was called with shapes that do not fit
  usage = 2,        ///< command line or configuration
  data = 3,         ///< data missing or damaged
  checkpoint = 4,   ///< checkpoint damaged or incompatible
  environment = 5,  ///< disk, permission, device, memory
  numerics = 6,     ///< the loss could not be kept finite
  distributed = 7,  ///< a rank failed or disagrees
};

/// Makes text safe to print: control characters, invisible or reordering characters and invalid UTF-8 become
/// `
/// xNN`. Escaping twice changes nothing.
std::string escaped(std::string_view text);

/// The message has the form `<where>: <what was found>; expected <what>. <what to do>`. what() is escaped(),
/// because names in it may come from anywhere.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view message) : std::runtime_error(escaped(message)), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// nvcc 13 rejects fmt's consteval checks of the format string, and compiles a kernel file four times as fast
// without fmt. Kernel files have no use for it: an op's arguments are checked before its kernels are chosen.
#if !defined(__CUDACC__)

/// Throws Error with a formatted message.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Precondition of an op: throws ErrorCode::internal with `[op] expected … got …` when `ok` is false.
/// The arguments are formatted only on failure.
template <class... Args>
void check(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) fail(ErrorCode::internal, format, std::forward<Args>(args)...);
}

#endif

}  // namespace salu
