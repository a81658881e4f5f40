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

void Markup::header_row(std::initializer_list<const char*> names) {
  const auto row = in("tr");
  for (const char* name : names) element("th", name);
}

void Markup::empty(std::string_view name, Attributes attributes) {
  begin(name, attributes);
  text_ += " />";
}

std::string svg_file(double width, double height, const std::function<void(Markup&)>& draw) {
  Markup svg;
  {
    const auto root =
        svg.in("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                       {"width", coordinate(width)},
                       {"height", coordinate(height)},
                       {"viewBox", fmt::format("0 0 {} {}", coordinate(width), coordinate(height))}});
    {
      const auto style = svg.in("style");
      svg.raw(kChartStyle);
    }
    svg.empty("rect", {{"class", "back"}, {"width", coordinate(width)}, {"height", coordinate(height)}});
    draw(svg);
  }
  return svg.str();
}

constinit const std::string_view kChartStyle = R"(
:root { color-scheme: light dark; --page: #f6f6f4; --card: #ffffff; --ink: #1d2026; --soft: #5d6470; --line: #dfe1e5;
  --grid: #ebedf0; --c0: #2563eb; --c1: #d9480f; --c2: #0b7f58; --c3: #8b30d9; }
@media (prefers-color-scheme: dark) {
  :root { --page: #131519; --card: #1c1f25; --ink: #e7e9ec; --soft: #9ca3ae; --line: #32363e; --grid: #292d34;
    --c0: #7ba8ff; --c1: #ff9b61; --c2: #4fd0a2; --c3: #c99bff; } }
svg { font: 11px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg .title { font-size: 13px; font-weight: 600; }
svg .tick { fill: var(--soft); }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
svg .grid { stroke: var(--grid); }
svg .axis { stroke: var(--soft); }
svg .back { fill: var(--card); }
.curve path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.curve circle { fill: currentColor; stroke: none; }
)";

constinit const std::string_view kPageStyle = R"(
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 20px 16px 48px; }
h1 { font-size: 24px; line-height: 1.25; margin: 8px 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 8px; }
h3 { font-size: 15px; margin: 16px 0 6px; }
p { margin: 4px 0 12px; max-width: 75ch; }
.soft { color: var(--soft); overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px; min-width: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 10px; margin: 16px 0; }
.tiles b { display: block; font-size: 21px; line-height: 1.3; font-weight: 600; }
.tiles span { color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 12px; }
.charts svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; }
.scroll svg { display: block; margin: 0 auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em; }
tr:last-child td { border-bottom: 0; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
.facts td:first-child { color: var(--soft); min-width: 8em; }
.bar { display: inline-block; width: 90px; height: 8px; background: var(--grid); border-radius: 4px; overflow: hidden;
  text-align: left; line-height: 0; margin-left: 8px; }
.bar i { display: inline-block; height: 8px; background: var(--c0); }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; }
figure { margin: 0; }
figure img { display: block; width: 96px; height: 96px; margin: 0 auto 6px; border-radius: 4px; object-fit: contain; }
figure .small { image-rendering: pixelated; }
figcaption { font-size: 13px; line-height: 1.4; overflow-wrap: anywhere; }
.true { color: var(--c2); } .wrong { color: var(--c1); }
.depth { display: inline-block; width: 110px; height: 9px; border-radius: 4px; margin: 0 8px; }
pre { margin: 0; font: 12.5px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: 12px 0; }
summary { cursor: pointer; font-weight: 600; }
details .card { margin-top: 8px; }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; }
)";

}  // namespace salu
