// SPDX-License-Identifier: MIT
#include "run/report/markup.h"

#include <fmt/format.h>

#include "core/text.h"

namespace salu {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

std::string_view ascii_escaped(const char& c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      const bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
      return control ? kReplacement : std::string_view(&c, 1);
  }
}

}  // namespace

std::string markup_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_bytes(text);
    out += length == 0 ? kReplacement : length == 1 ? ascii_escaped(text[0]) : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string coordinate(double value) {
  std::string out = fmt::format("{:.2f}", value);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

void Markup::begin(std::string_view name, Attributes attributes) {
  text_ += fmt::format("<{}", name);
  for (const auto& [key, value] : attributes) text_ += fmt::format(" {}=\"{}\"", key, markup_escaped(value));
}

Markup::Guard Markup::in(std::string_view name, Attributes attributes) {
  begin(name, attributes);
  text_ += ">";
  return {*this, std::string(name)};
}

void Markup::element(std::string_view name, std::string_view text, Attributes attributes) {
  begin(name, attributes);
  text_ += fmt::format(">{}</{}>", markup_escaped(text), name);
}

void Markup::empty(std::string_view name, Attributes attributes) {
  begin(name, attributes);
  text_ += " />";
}

}  // namespace salu
