// SPDX-License-Identifier: MIT
/// Readers with one bug each. driver_test.py sees to it that the loop finds every one.
#include <cstring>
#include <memory>
#include <stdexcept>

#include "tests/fuzz/fuzz.h"

namespace salu::fuzz {
namespace {

using Input = std::span<const std::uint8_t>;

/// "AB" and a number: the bug is behind it.
bool bug_is_reached(Input input) {
  if (input.empty() || input[0] != 'A') fail(ErrorCode::data, "expected A");
  if (input.size() < 3 || input[1] != 'B') fail(ErrorCode::data, "expected AB");
  return input[2] > 200;
}

void overflow(Input input) {
  const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[2]);
  if (bug_is_reached(input)) std::memcpy(copy.get(), input.data(), 3);
}

void undefined(Input input) {
  volatile int most = 0x7fffffff;
  if (bug_is_reached(input)) most = most + input[2];
}

void leak(Input input) {
  static std::vector<std::unique_ptr<Bytes>> kept;
  bug_is_reached(input);
  kept.push_back(std::make_unique<Bytes>(16384));
}

void lost(Input input) {
  [[maybe_unused]] static void* volatile last;
  bug_is_reached(input);
  last = ::operator new(16);
}

void endless(Input input) {
  for (volatile bool on = bug_is_reached(input); on;) {
  }
}

void hungry(Input input) {
  if (bug_is_reached(input)) Bytes(100 << 20)[0] = 1;
}

void wrong_code(Input input) {
  if (bug_is_reached(input)) fail(ErrorCode::internal, "a bug");
}

void wrong_exception(Input input) {
  if (bug_is_reached(input)) throw std::out_of_range("at");
}

void wrong_result(Input input) { require(!bug_is_reached(input), "a wrong result"); }

void deaf(Input) {}

std::vector<Bytes> seeds() { return {bytes_of("AB!"), bytes_of("")}; }

}  // namespace

std::vector<Target> planted_targets() {
  const std::vector<ErrorCode> codes = {ErrorCode::data};
  return {
      {"planted-overflow", overflow, codes, seeds},   {"planted-undefined", undefined, codes, seeds},
      {"planted-leak", leak, codes, seeds},           {"planted-lost", lost, codes, seeds},
      {"planted-endless", endless, codes, seeds},     {"planted-hungry", hungry, codes, seeds},
      {"planted-code", wrong_code, codes, seeds},     {"planted-exception", wrong_exception, codes, seeds},
      {"planted-result", wrong_result, codes, seeds}, {"planted-deaf", deaf, codes, seeds}};
}

}  // namespace salu::fuzz
