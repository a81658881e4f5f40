// SPDX-License-Identifier: MIT
#include "core/error.h"

#include <cstdint>

#include "core/text.h"

namespace salu {
namespace {

/// Code points that are not seen, or that change the order or the place of what is written.
bool hidden(std::uint32_t c) {
  const auto within = [c](std::uint32_t low, std::uint32_t high) { return c >= low && c <= high; };
  return within(0x00, 0x1f) || within(0x7f, 0x9f) || within(0x200b, 0x200f) || within(0x2028, 0x202e) ||
         within(0x2060, 0x206f) || c == 0xfeff;
}

std::uint32_t code_point(std::string_view character) {
  const auto bits = [](char c, std::uint32_t mask) { return static_cast<unsigned char>(c) & mask; };
  std::uint32_t value = bits(character[0], character.size() == 1 ? 0x7f : 0x7fu >> character.size());
  for (const char c : character.substr(1)) value = value << 6 | bits(c, 0x3f);
  return value;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, utf8_bytes(text));
    if (!character.empty() && !hidden(code_point(character))) {
      out += character;
      text.remove_prefix(character.size());
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace salu
