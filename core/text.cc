// SPDX-License-Identifier: MIT
#include "core/text.h"

#include <algorithm>

#include "core/error.h"

namespace salu {
namespace {

// Optimal string alignment: Levenshtein's table plus swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const bool differs = a[i - 1] != b[j - 1];
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + differs});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

/// Code points that are invisible or change the order of text: control characters, and Unicode's
/// Default_Ignorable_Code_Point except the variation selectors.
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

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 256;  // longer names are not typing errors
  if (name.size() > kLongest) return "";
  std::string best;
  std::size_t fewest = name.size() + kLongest;
  for (const std::string& candidate : known) {
    const std::size_t allowed = std::max<std::size_t>(2, candidate.size() / 3);
    const auto [shorter, longer] = std::minmax({name.size(), candidate.size()});
    if (longer - shorter > allowed) continue;  // the distance is at least the difference in length
    const std::size_t edits = edit_distance(name, candidate);
    if (edits > allowed || edits >= candidate.size() || edits >= fewest) continue;
    fewest = edits;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? "" : " (did you mean " + near + "?)";
}

std::size_t utf8_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) > 0x9f, beyond = lead == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

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

std::string shown(const std::filesystem::path& path) { return escaped(path.string()); }

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return std::string(word);
  const std::string printable = escaped(word);
  if (printable == word) {
    std::string quoted;
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return "'" + quoted + "'";
  }
  // $'…' of bash, zsh and ksh, where
  // xNN is a byte.
  std::string quoted;
  for (const char c : word) quoted += c == '\'' || c == '\\' ? fmt::format("\\{}", c) : escaped({&c, 1});
  return "$'" + quoted + "'";
}

std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool quote = line[i] == '"' && (quoted || fields.back().empty());
    if (quote && quoted && line.substr(i + 1).starts_with('"')) {
      fields.back() += line[++i];
    } else if (quote) {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

std::string grouped(std::uint64_t number) {
  const std::string digits = fmt::format("{}", number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace salu
