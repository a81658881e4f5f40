// SPDX-License-Identifier: MIT
#include "run/settings.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

namespace salu {
namespace {

/// True when `key` is "no-" followed by the boolean's name.
bool is_negated(const Setting& setting, std::string_view key) {
  return setting.kind == SettingKind::boolean && key == "no-" + setting.name;
}

bool excludes(const Setting& setting, const Setting& other) { return setting.excludes == other.name; }

/// Splits "0.1,0.2" into two words for a setting that takes several.
Words split(const Setting& setting, const Words& words) {
  if (setting.kind == SettingKind::text || (setting.count == 1 && !setting.is_list)) return words;
  Words out;
  for (const std::string& word : words) {
    std::size_t start = 0;
    for (std::size_t i = 0; i <= word.size(); ++i) {
      if (i < word.size() && word[i] != ',' && word[i] != ' ') continue;
      if (i > start) out.push_back(word.substr(start, i - start));
      start = i + 1;
    }
  }
  return out;
}

void read_value(const Setting& setting, const Given& given) {
  Words words = split(setting, given.words);
  if (!setting.is_list && words.size() != setting.count) {
    fail(ErrorCode::usage, "{}: {} value{}; expected {}", setting.flag(), words.size(),
         words.size() == 1 ? "" : "s", setting.count);
  }
  if (is_negated(setting, given.key)) words = {read_bool(setting, words.front()) ? "false" : "true"};
  setting.read(setting, words);
}

}  // namespace

std::string Setting::variable() const {
  std::string out = "SALU_" + name;
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

bool read_bool(const Setting& setting, const std::string& word) {
  for (const char* yes : {"true", "1", "on", "yes"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"false", "0", "off", "no"}) {
    if (word == no) return false;
  }
  fail(ErrorCode::usage, "{}: '{}'; expected true or false", setting.flag(), word);
}

std::int64_t read_whole(const Setting& setting, const std::string& word, std::int64_t low,
                        std::int64_t high) {
  if (setting.range.low > static_cast<double>(low)) low = static_cast<std::int64_t>(setting.range.low);
  if (setting.range.high < static_cast<double>(high)) high = static_cast<std::int64_t>(setting.range.high);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < low || value > high) {
    fail(ErrorCode::usage, "{}: '{}' is not a whole number in {}..{}", setting.flag(), word, low, high);
  }
  if (const std::string plain = fmt::format("{}", value); word != plain) {  // refuses 010, which may mean 8
    fail(ErrorCode::usage, "{}: '{}': expected {}", setting.flag(), word, plain);
  }
  return value;
}

long double read_real(const Setting& setting, const std::string& word) {
  const Range& range = setting.range;
  double value = NAN;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool is_number = error == std::errc() && end == word.data() + word.size() && std::isfinite(value);
  if (!is_number || value < range.low || (range.open && value == range.low) || value > range.high) {
    const std::string low =
        std::isfinite(range.low) ? fmt::format(" {} {}", range.open ? ">" : ">=", range.low) : "";
    fail(ErrorCode::usage, "{}: {} is not a finite number{}{}", setting.flag(), word, low,
         std::isfinite(range.high) ? fmt::format(" and <= {}", range.high) : "");
  }
  // Reads more digits than needed: rounding twice changes the last bit of one number in 4,000, as earlier
  // versions do, and resumed runs must match them bit for bit.
  return std::strtold(word.c_str(), nullptr);
}

const std::string& read_text(const Setting& setting, const std::string& word) {
  if (!setting.choices.empty() && std::ranges::find(setting.choices, word) == setting.choices.end()) {
    fail(ErrorCode::usage, "{}: unknown name '{}'; expected one of {}{}", setting.flag(), word,
         fmt::join(setting.choices, ", "), did_you_mean(word, setting.choices));
  }
  const std::string complaint = setting.complaint ? setting.complaint(word) : "";
  if (!complaint.empty()) fail(ErrorCode::usage, "{}: {}", setting.flag(), complaint);
  return word;
}

Setting& Settings::append(const std::string& name, std::string help) {
  Setting& s = rows_.emplace_back();
  const std::size_t comma = name.find(',');
  if (comma != std::string::npos) s.letter = name[0];
  s.name = comma == std::string::npos ? name : name.substr(comma + 1);
  s.group = group_;
  s.on_resume = on_resume_;
  s.help = std::move(help);
  return s;
}

Setting& Settings::add_text(const std::string& name, std::string help,
                            std::function<void(const std::string&)> read, std::function<std::string()> text) {
  Setting& s = append(name, std::move(help));
  s.read = [read = std::move(read)](const Setting& row, const Words& w) { read(read_text(row, w.front())); };
  s.words = [text = std::move(text)] { return Words{text()}; };
  return s;
}

Setting& Settings::add_switch(const std::string& name, std::string help, std::function<void()> on) {
  Setting& s = append(name, std::move(help));
  s.kind = SettingKind::boolean;
  s.read = [on = std::move(on)](const Setting& row, const Words& w) {
    if (read_bool(row, w.front())) on();
  };
  s.words = [] { return Words{"false"}; };
  return s;
}

const Setting* Settings::find(std::string_view key) const {
  const auto it = std::ranges::find_if(rows_, [&](const Setting& s) {
    return key == s.name || (key.size() == 1 && key[0] == s.letter) || is_negated(s, key);
  });
  return it == rows_.end() ? nullptr : &*it;
}

bool Settings::has(const std::vector<Given>& given, std::string_view name) const {
  return std::ranges::any_of(given, [&](const Given& g) {
    const Setting* s = find(g.key);
    return s && s->name == name;
  });
}

void Settings::read(const std::vector<Given>& given) const {
  std::vector<const Setting*> done;
  std::map<const Setting*, const Given*> said;
  for (const Given& g : given) {
    const Setting& setting = known(g);
    if (const auto [it, is_new] = said.emplace(&setting, &g); !is_new) {
      const Given& first = *it->second;
      if (g.file.empty() || g.file != first.file) continue;
      fail(ErrorCode::usage, "{}{}: stands in {}, too; expected it once", g.place, g.key,
           first.place.substr(0, first.place.size() - 2));
    }
    const auto rival = std::ranges::find_if(
        done, [&](const Setting* other) { return excludes(setting, *other) || excludes(*other, setting); });
    if (rival != done.end()) {
      if (!g.place.empty()) continue;  // the command line wins
      const auto [one, other] =
          excludes(setting, **rival) ? std::pair(&setting, *rival) : std::pair(*rival, &setting);
      fail(ErrorCode::usage, "{} excludes {}; expected one of them", one->flag(), other->flag());
    }
    done.push_back(&setting);
    try {
      read_value(setting, g);
    } catch (const Error& e) {
      throw Error(e.code(), g.place + e.what());
    }
  }
  for (const Setting* setting : done) {
    if (setting->needs.empty() || std::ranges::find(done, find(setting->needs)) != done.end()) continue;
    const bool negated = is_negated(*setting, said.at(setting)->key);
    fail(ErrorCode::usage, "--{}{} requires --{}; expected both or none", negated ? "no-" : "", setting->name,
         setting->needs);
  }
}

const Setting& Settings::known(const Given& given) const {
  const Setting* setting = find(given.key);
  if (!setting) {
    Words names;
    for (const Setting& s : rows_) names.push_back(s.flag());
    fail(ErrorCode::usage, "{}unknown key '{}'{}. See --help-all", given.place, given.key,
         did_you_mean("--" + given.key, names));
  }
  if (!given.place.empty() && setting->is_action) {
    fail(ErrorCode::usage, "{}{}: is about one call, no setting of a run; expected {} on the command line",
         given.place, given.key, setting->flag());
  }
  return *setting;
}

std::string about_plain_name(const std::string& text) {
  const bool plain = !text.empty() && text.front() != '.' && text.find('/') == text.npos;
  return plain ? "" : fmt::format("'{}' is not a plain name", text);
}

std::string about_regular_file(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_regular_file(status)) return "";
  return fmt::format("{}: {}; expected a file", path,
                     std::filesystem::exists(status) ? "not a regular file" : error.message());
}

std::vector<Given> settings_in_environment(const Settings& settings) {
  std::vector<Given> out;
  const auto look = [&](const std::string& variable, const std::string& key) {
    const char* value = std::getenv(variable.c_str());
    if (value && *value) out.push_back({key, {value}, variable + " in the environment: "});
  };
  for (const Setting& s : settings.rows()) {
    if (s.is_action || s.is_positional) continue;
    look(s.variable(), s.name);
    if (s.kind == SettingKind::boolean) look("SALU_NO_" + s.variable().substr(5), "no-" + s.name);
  }
  return out;
}

}  // namespace salu
