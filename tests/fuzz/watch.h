// SPDX-License-Identifier: MIT
/// Watches one input at a time: CPU time, memory, and which branches of the readers it takes. Whatever ends
/// the process saves the input first.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace salu::fuzz {

struct Measured {
  double seconds = 0;           ///< of CPU
  std::int64_t peak_bytes = 0;  ///< above what was in use before
  std::int64_t kept_bytes = 0;  ///< still in use afterwards
  bool new_branch = false;      ///< takes one that no input took before
};

/// Where failing inputs go, and what the file is called: PREFIX-NUMBER.
void set_save_prefix(const std::string& prefix);

/// Begins and ends the watch over input `number`, which must stay where it is. More than a second of CPU
/// time, or a sanitizer's finding, ends the process with exit code 1.
void begin_watch(std::span<const std::uint8_t> input, std::int64_t number);
Measured end_watch();
/// The input may go: what ends the process from here on saves nothing.
void forget_input();

/// Saves the watched input, says why, and ends the process with exit code 1.
[[noreturn]] void stop_with(const std::string& reason);

/// Different branches taken so far.
std::int64_t branches_seen();

}  // namespace salu::fuzz
