// SPDX-License-Identifier: MIT
/// Settings, each declared once. From the declaration come the flag, the key of a TOML file, the variable of
/// the environment, the help, and what --resume allows.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/choices.h"

namespace salu {

using Words = std::vector<std::string>;

/// One setting as given by the user.
struct Given {
  std::string key;    ///< name or letter; the prefix "no-" negates a boolean
  Words words;        ///< its value
  std::string place;  ///< "c.toml:3:5: ", or "" for the command line
  std::string file;   ///< file it comes from, if any
};

/// Valid range of a number; `open` excludes `low` itself.
struct Range {
  double low = -INFINITY, high = INFINITY;
  bool open = false;
};
constexpr Range from(double low, double high = INFINITY) { return {low, high, false}; }
constexpr Range above(double low, double high = INFINITY) { return {low, high, true}; }
inline constexpr double kMaxCount = 0x1p40;

/// How the setting may change when a run is resumed.
enum class OnResume {
  fixed,
  with_fresh_optimizer,  ///< only with --no-resume-opt, which restarts the optimizer
  free,
};

enum class SettingKind { boolean, whole, real, text };

/// One row of the table. Settings::add() fills in what follows from the C++ type.
struct Setting {
  std::string name;  ///< "batch-size": --batch-size, SALU_BATCH_SIZE, batch-size=
  char letter = 0;   ///< 'b' for -b
  std::string group, help;
  SettingKind kind = SettingKind::text;
  Words choices;          ///< allowed names; empty: any text
  Range range;            ///< for numbers
  std::size_t count = 1;  ///< number of words in its value
  bool is_list = false;   ///< any number of words, separated by commas
  std::function<void(const Setting&, const Words&)> read;
  std::function<Words()> words;  ///< current value as words; none: unset

  bool is_action = false;  ///< for one call only: not allowed in files or the environment
  bool is_local = false;   ///< may differ from rank to rank
  bool is_positional = false, is_required = false;
  OnResume on_resume = OnResume::fixed;
  std::string excludes, needs;                               ///< name of the other setting, or ""
  std::function<std::string(const std::string&)> complaint;  ///< returns an error about a text, or ""

  // Chainable modifiers for the table.
  Setting& action() { return is_action = true, *this; }
  Setting& local() { return is_local = true, *this; }
  Setting& may_change() { return on_resume = OnResume::free, *this; }
  Setting& of_optimizer() { return on_resume = OnResume::with_fresh_optimizer, *this; }
  Setting& fixed() { return on_resume = OnResume::fixed, *this; }
  Setting& positional() { return is_positional = true, *this; }
  Setting& required() { return is_required = true, *this; }
  Setting& not_with(const char* other) { return excludes = other, *this; }
  Setting& only_with(const char* other) { return needs = other, *this; }
  Setting& among(Words names) { return choices = std::move(names), *this; }
  Setting& checked(std::string (*about)(const std::string&)) { return complaint = about, *this; }

  /// "--batch-size", or "DIR" of a positional argument.
  std::string flag() const { return is_positional ? name : "--" + name; }
  /// "SALU_BATCH_SIZE"
  std::string variable() const;
};

/// Conversions from words to C++ types; each throws ErrorCode::usage about `setting.flag()`.
bool read_bool(const Setting& setting, const std::string& word);
std::int64_t read_whole(const Setting& setting, const std::string& word, std::int64_t low, std::int64_t high);
long double read_real(const Setting& setting, const std::string& word);
const std::string& read_text(const Setting& setting, const std::string& word);

template <class T>
struct ValueOf {
  static constexpr SettingKind kind = std::is_same_v<T, bool>       ? SettingKind::boolean
                                      : std::is_integral_v<T>       ? SettingKind::whole
                                      : std::is_floating_point_v<T> ? SettingKind::real
                                                                    : SettingKind::text;
  static void describe(Setting& setting) { setting.kind = kind; }
  static T read(const Setting& setting, const Words& words) {
    const std::string& word = words.front();
    if constexpr (kind == SettingKind::boolean) return read_bool(setting, word);
    if constexpr (kind == SettingKind::whole) {
      constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
      constexpr auto high = std::min<std::uint64_t>(std::numeric_limits<T>::max(), most);
      return static_cast<T>(read_whole(setting, word, std::numeric_limits<T>::min(), high));
    }
    if constexpr (kind == SettingKind::real) return static_cast<T>(read_real(setting, word));
    if constexpr (kind == SettingKind::text) return T(read_text(setting, word));
  }
  static Words words(const T& value) {
    if constexpr (std::is_convertible_v<T, std::string>)
      return {value};
    else
      return {fmt::format("{}", value)};
  }
};

/// A list of values: a std::array or a std::vector.
template <class List>
struct ValueOfList {
  using Element = ValueOf<typename List::value_type>;
  static List read(const Setting& setting, const Words& words) {
    List out{};
    if constexpr (requires { out.resize(1); }) out.resize(words.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = Element::read(setting, {words[i]});
    return out;
  }
  static Words words(const List& values) {
    Words out;
    for (const auto& value : values) out.push_back(Element::words(value).front());
    return out;
  }
};

template <class T, std::size_t n>
struct ValueOf<std::array<T, n>> : ValueOfList<std::array<T, n>> {
  static void describe(Setting& setting) { setting.kind = ValueOf<T>::kind, setting.count = n; }
};

template <class T>
struct ValueOf<std::vector<T>> : ValueOfList<std::vector<T>> {
  static void describe(Setting& setting) { setting.kind = ValueOf<T>::kind, setting.is_list = true; }
};

template <class T>
struct ValueOf<std::optional<T>> {
  static void describe(Setting& setting) { ValueOf<T>::describe(setting); }
  static std::optional<T> read(const Setting& setting, const Words& words) {
    return ValueOf<T>::read(setting, words);
  }
  static Words words(const std::optional<T>& value) { return value ? ValueOf<T>::words(*value) : Words(); }
};

/// The settings table of a program. It writes to variables that must outlive it.
class Settings {
 public:
  /// Starts a group of the help; it and `on_resume` apply to the settings added next.
  void group(std::string name, OnResume on_resume = OnResume::fixed) {
    group_ = std::move(name);
    on_resume_ = on_resume;
  }
  /// `name`: "batch-size", or "b,batch-size" with a letter. The reference is valid until the next add().
  template <class T>
  Setting& add(const std::string& name, T& target, std::string help, Range range = {}) {
    Setting& s = append(name, std::move(help));
    s.range = range;
    ValueOf<T>::describe(s);
    s.read = [&target](const Setting& row, const Words& w) { target = ValueOf<T>::read(row, w); };
    s.words = [&target] { return ValueOf<T>::words(target); };
    return s;
  }
  /// A choice from a table of (name, value), which must outlive this one.
  template <class T, class Value, std::size_t n>
  Setting& add(const std::string& name, T& target, std::string help,
               const std::pair<const char*, Value> (&table)[n]);
  /// A text setting: `read` converts text to the value, `text` converts it back.
  Setting& add_text(const std::string& name, std::string help, std::function<void(const std::string&)> read,
                    std::function<std::string()> text);

  /// A boolean, off by default, that calls `on` when given.
  Setting& add_switch(const std::string& name, std::string help, std::function<void()> on);

  const std::vector<Setting>& rows() const { return rows_; }
  /// The setting for a key; null when there is none.
  const Setting* find(std::string_view key) const;
  /// Applies `given` to the variables. The first of several values for a setting wins, and a setting excluded
  /// by a flag is ignored. Throws ErrorCode::usage, with the place, for an unknown key, a bad value, and for
  /// settings that exclude or need each other.
  void read(const std::vector<Given>& given) const;
  /// True when `given` contains the setting of this name.
  bool has(const std::vector<Given>& given, std::string_view name) const;

 private:
  const Setting& known(const Given& given) const;  ///< throws for keys that are not allowed there
  Setting& append(const std::string& name, std::string help);

  std::string group_ = "Common";
  OnResume on_resume_ = OnResume::fixed;
  std::vector<Setting> rows_;
};

template <class T, class Value, std::size_t n>
Setting& Settings::add(const std::string& name, T& target, std::string help,
                       const std::pair<const char*, Value> (&table)[n]) {
  Setting& s = append(name, std::move(help));
  s.choices = choice_names(table);
  s.read = [&target, &table](const Setting& row, const Words& w) {
    target = choice_of("", table, read_text(row, w.front()));
  };
  s.words = [&target, &table]() -> Words {
    if constexpr (std::is_same_v<T, Value>) return {choice_name(table, target)};
    if constexpr (!std::is_same_v<T, Value>) return target ? Words{choice_name(table, *target)} : Words();
  };
  return s;
}

/// Checks for Setting::checked(). Each returns an error or "": the name of a new folder must not be a path; a
/// file must not be a folder or a pipe.
std::string about_plain_name(const std::string& text);
std::string about_regular_file(const std::string& path);

/// The settings in the environment, except actions.
std::vector<Given> settings_in_environment(const Settings& settings);

}  // namespace salu
