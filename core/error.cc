// SPDX-License-Identifier: MIT
#include "core/error.h"

#include <algorithm>
#include <cstdint>

#include "core/text.h"

namespace salu {
namespace {

/// Code points that are not seen, or that change the order or the place of what is written: controls, and
/// what Unicode lets a program ignore (Default_Ignorable_Code_Point) but for the choice of a character's
/// look.
bool hidden(std::uint32_t c) {
  struct Range {
    std::uint32_t low, high;
  };
  static constexpr Range kHidden[] = {
      {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},    {0x61c, 0x61c},
      {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180e, 0x180e},   {0x200b, 0x200f},  {0x2028, 0x202e},
      {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},  {0xfff0, 0xfffb},
      {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe00ff}, {0xe01f0, 0xe0fff}};
  return std::ranges::any_of(kHidden, [c](Range r) { return c >= r.low && c <= r.high; });
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
