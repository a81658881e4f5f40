// SPDX-License-Identifier: MIT
#include "run/settings_file.h"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <sstream>

#include "core/file_ops.h"

namespace salu {
namespace {

std::string place_of(const std::string& name, const toml::source_region& source) {
  return fmt::format("{}:{}:{}: ", name, source.begin.line, source.begin.column);
}

/// Converts a value to words; `place` is for errors.
void add_words(Words& words, const toml::node& node, const std::string& place, const std::string& key) {
  if (const auto* array = node.as_array()) {
    for (const toml::node& element : *array) add_words(words, element, place, key);
  } else if (node.is_string()) {
    words.push_back(**node.as_string());
  } else if (node.is_boolean()) {
    words.push_back(**node.as_boolean() ? "true" : "false");
  } else if (node.is_integer()) {
    words.push_back(fmt::format("{}", **node.as_integer()));
  } else if (node.is_floating_point()) {
    words.push_back(fmt::format("{}", **node.as_floating_point()));
  } else if (node.is_table()) {
    fail(ErrorCode::usage, "{}section [{}]; expected keys without sections, such as lr=0.1", place, key);
  } else {
    fail(ErrorCode::usage, "{}{}: a date or a time; expected a number, a string, true or false", place, key);
  }
}

std::vector<Given> read_toml(std::string_view text, const std::string& name) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& e) {
    fail(ErrorCode::usage, "{}{}", place_of(name, e.source()), e.description());
  }
  std::vector<std::pair<toml::source_position, Given>> found;
  for (const auto& [key, node] : table) {
    Given given{std::string(key.str()), {}, place_of(name, key.source()), name};
    add_words(given.words, node, given.place, given.key);
    if (given.words != Words{""}) found.emplace_back(key.source().begin, std::move(given));
  }
  std::ranges::sort(found, {}, [](const auto& f) { return std::pair(f.first.line, f.first.column); });
  std::vector<Given> out;
  for (auto& [position, given] : found) out.push_back(std::move(given));
  return out;
}

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'');
  return quoted && value.back() == value.front() ? value.substr(1, value.size() - 2) : value;
}

/// True for a file of version 0.1.0: lines `key=value` of all settings, the data set first. It holds numbers
/// as given (.5) and raw backslashes, which TOML reads differently.
bool is_plain(std::string_view text) {
  return text.starts_with("dataset=") && text.find("\nrank-timeout=") != text.npos;
}

std::vector<Given> read_plain(std::string_view text, const std::string& name) {
  std::vector<Given> out;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    const std::size_t equals = line.find('=');
    if (equals == line.npos) continue;
    Given given{line.substr(0, equals), {}, fmt::format("{}:{}:1: ", name, number), name};
    std::string_view value = std::string_view(line).substr(equals + 1);
    if (value.starts_with('[') && value.ends_with(']')) {
      value = value.substr(1, value.size() - 2);
      for (std::size_t comma; (comma = value.find(", ")) != value.npos; value.remove_prefix(comma + 2))
        given.words.emplace_back(without_quotes(value.substr(0, comma)));
    }
    given.words.emplace_back(without_quotes(value));
    if (given.words != Words{""}) out.push_back(std::move(given));
  }
  return out;
}

/// A TOML string, in '...' when that avoids escapes.
std::string quoted(const std::string& text) {
  const bool is_plain_text =
      std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (is_plain_text && text.find_first_of("\"\\") == text.npos) return '"' + text + '"';
  if (is_plain_text && text.find('\'') == text.npos) return '\'' + text + '\'';
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// "lr=0.1", or "# lr=" for an unset one.
std::string line_of(const Setting& setting) {
  const Words words = setting.words();
  if (words.empty() && !setting.is_list) return fmt::format("# {}=\n", setting.name);
  Words values;
  for (const std::string& word : words) {
    for (std::string_view rest = word; !rest.empty(); rest.remove_prefix(utf8_bytes(rest))) {
      if (utf8_bytes(rest) == 0) {
        fail(ErrorCode::usage, "{}: {} cannot stand in config.toml; expected UTF-8", setting.flag(), word);
      }
    }
    values.push_back(setting.kind == SettingKind::text ? quoted(word) : word);
  }
  const std::string text = fmt::format("{}", fmt::join(values, ", "));
  return setting.is_list || setting.count > 1 ? fmt::format("{}=[{}]\n", setting.name, text)
                                              : fmt::format("{}={}\n", setting.name, text);
}

}  // namespace

std::vector<Given> settings_in_toml(std::string_view text, const std::string& name) {
  if (is_plain(text) && text.find('\\') != text.npos) return read_plain(text, name);
  try {
    return read_toml(text, name);
  } catch (const Error&) {
    if (!is_plain(text)) throw;
    return read_plain(text, name);
  }
}

std::vector<Given> settings_in_file(const std::filesystem::path& file) {
  if (const std::string complaint = about_regular_file(file.string()); !complaint.empty())
    fail(ErrorCode::usage, "{}", complaint);
  return settings_in_toml(read_text(file, ErrorCode::usage), shown(file));
}

std::string settings_as_toml(const Settings& settings) {
  std::string out = "# Settings of salunet, for salutrain -c\n", group;
  for (const Setting& s : settings.rows()) {
    if (s.is_action || s.is_positional) continue;
    if (s.group != group) out += fmt::format("\n# {}\n", group = s.group);
    out += line_of(s);
  }
  return out;
}

std::map<std::string, std::string> settings_of(std::string_view toml) {
  std::map<std::string, std::string> out;
  for (const Given& given : settings_in_toml(toml, "config.toml"))
    out[given.key] = fmt::format("{}", fmt::join(given.words, " "));
  return out;
}

}  // namespace salu
