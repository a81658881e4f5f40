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

/// What a user says about one setting.
struct Given {
  std::string key;    ///< its name or its letter; "no-" before the name of a boolean turns that around
  Words words;        ///< its value
  std::string place;  ///< "c.toml:3:5: ", or "" for the command line
  std::string file;   ///< that it stands in, if any
};

/// The numbers that a setting takes; `open`: without `low` itself.
struct Range {
  double low = -INFINITY, high = INFINITY;
  bool open = false;
};
constexpr Range from(double low, double high = INFINITY) { return {low, high, false}; }
constexpr Range above(double low, double high = INFINITY) { return {low, high, true}; }
inline constexpr double kMaxCount = 0x1p40;

/// Whether a run that is resumed may have another value.
enum class OnResume {
  fixed,
  with_fresh_optimizer,  ///< when --no-resume-opt lets the optimizer start anew
  free,
};

enum class SettingKind { boolean, whole, real, text };

/// One row of the table. Settings::add() fills in what the C++ type says.
struct Setting {
  std::string name;  ///< "batch-size": --batch-size, SALU_BATCH_SIZE, batch-size=
  char letter = 0;   ///< 'b' for -b
  std::string group, help;
  SettingKind kind = SettingKind::text;
  Words choices;          ///< the names that it takes; empty: any text
  Range range;            ///< of numbers
  std::size_t count = 1;  ///< words of its value
  bool is_list = false;   ///< any number of them, with commas between them
  std::function<void(const Setting&, const Words&)> read;
  std::function<Words()> words;  ///< its value now; no words: left out

  bool is_action = false;  ///< of one call: not in files, not in the environment
  bool is_local = false;   ///< may differ from rank to rank
  bool is_positional = false, is_required = false;
  OnResume on_resume = OnResume::fixed;
  std::string excludes, needs;                               ///< the name of another, or ""
  std::function<std::string(const std::string&)> complaint;  ///< about a text, or ""

  // For the table, one after the other.
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

/// Values of C++ types as words; each throws ErrorCode::usage about `setting.flag()`.
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

/// Several values: a std::array or a std::vector.
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

/// The table of a program, about variables that must outlive it.
class Settings {
 public:
  /// Settings added from here on stand in this group of the help; `on_resume` holds for them, too.
  void group(std::string name, OnResume on_resume = OnResume::fixed) {
    group_ = std::move(name);
    on_resume_ = on_resume;
  }
  /// `name`: "batch-size", or "b,batch-size" for one with a letter. The reference holds until the next add().
  template <class T>
  Setting& add(const std::string& name, T& target, std::string help, Range range = {}) {
    Setting& s = append(name, std::move(help));
    s.range = range;
    ValueOf<T>::describe(s);
    s.read = [&target](const Setting& row, const Words& w) { target = ValueOf<T>::read(row, w); };
    s.words = [&target] { return ValueOf<T>::words(target); };
    return s;
  }
  /// One of the names in a table of (name, value); the table must outlive this one.
  template <class T, class Value, std::size_t n>
  Setting& add(const std::string& name, T& target, std::string help,
               const std::pair<const char*, Value> (&table)[n]);
  /// Text that `read` makes a value of, and `text` text again.
  Setting& add_text(const std::string& name, std::string help, std::function<void(const std::string&)> read,
                    std::function<std::string()> text);

  /// A boolean that is off, and that calls `on` when it is given.
  Setting& add_switch(const std::string& name, std::string help, std::function<void()> on);

  const std::vector<Setting>& rows() const { return rows_; }
  /// The setting that a key means; null when there is none.
  const Setting* find(std::string_view key) const;
  /// Of several values for a setting the first counts; what a flag excludes has no say. Throws
  /// ErrorCode::usage, with the place, for an unknown key, a bad value, and for settings that exclude or need
  /// each other.
  void read(const std::vector<Given>& given) const;
  /// Whether `given` says anything about the setting of this name.
  bool has(const std::vector<Given>& given, std::string_view name) const;

 private:
  const Setting& known(const Given& given) const;  ///< throws for keys that cannot stand there
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

/// Texts for Setting::checked(). A name of a folder to be, not a path; a file, not a folder or a pipe.
std::string about_plain_name(const std::string& text);
std::string about_regular_file(const std::string& path);

/// What the environment says about settings that are no actions.
std::vector<Given> settings_in_environment(const Settings& settings);

}  // namespace salu
