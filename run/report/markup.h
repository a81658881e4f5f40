// SPDX-License-Identifier: MIT
/// HTML and SVG as text that is closed and escaped by construction, and the style of the report.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace salu {

/// Escapes text for an element or a quoted attribute: markup becomes entities, control characters and invalid
/// UTF-8 become U+FFFD. Needed because class and file names are not under our control.
std::string markup_escaped(std::string_view text);

/// RFC 4648, with padding.
std::string base64(std::span<const std::uint8_t> bytes);

/// A number for an attribute: two decimals, without trailing zeros.
std::string coordinate(double value);

class Markup {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string>>;

  /// Closes its element when destroyed.
  class Guard {
   public:
    Guard(Markup& markup, std::string name) : markup_(markup), name_(std::move(name)) {}
    ~Guard() { markup_.text_ += "</" + name_ + ">\n"; }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Markup& markup_;
    std::string name_;
  };

  [[nodiscard]] Guard in(std::string_view name, Attributes attributes = {});
  void element(std::string_view name, std::string_view text, Attributes attributes = {});
  void empty(std::string_view name, Attributes attributes);   ///< <name … />
  void header_row(std::initializer_list<const char*> names);  ///< writes <tr> of <th>
  void text(std::string_view text) { text_ += markup_escaped(text); }
  /// Adds finished markup: another Markup's str(), or a constant.
  void raw(std::string_view markup) { text_ += markup; }

  const std::string& str() const { return text_; }

 private:
  void begin(std::string_view name, Attributes attributes);
  std::string text_;
};

/// A complete SVG file of that size in the style of the charts; `draw` adds its content.
std::string svg_file(double width, double height, const std::function<void(Markup&)>& draw);

/// CSS of the charts and of the page, light or dark as the reader's system is.
extern const std::string_view kChartStyle, kPageStyle;

}  // namespace salu
