// SPDX-License-Identifier: MIT
#include "apps/cli.h"

#include <fmt/ranges.h>

#include <new>
#include <system_error>

#include "run/environment.h"

namespace salu {
namespace {

/// Reads the words in order; positional arguments fill their settings in the order of the table.
class WordReader {
 public:
  WordReader(const Settings& table, const Arguments& arguments) : table_(table), words_(arguments) {}

  std::vector<Given> read() {
    for (; next_ < words_.size(); ++next_) {
      const std::string& word = words_[next_];
      if (word == "--" && !only_positional_) {
        only_positional_ = true;
      } else if (!only_positional_ && is_flag(word)) {
        read_flag(word);
      } else {
        read_positional(word);
      }
    }
    for (const Setting& s : table_.rows()) {
      if (s.is_required && !table_.has(given_, s.name))
        fail(ErrorCode::usage, "{} is required: {}. See --help", s.name, s.help);
    }
    return std::move(given_);
  }

 private:
  /// A negative number such as "-1" is a value.
  static bool is_flag(const std::string& word) {
    return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
  }

  const Setting& known(const std::string& key, const std::string& flag) const {
    const Setting* setting = table_.find(key);
    // Letters and names differ: "--b" and "-batch" match nothing.
    const bool fits = setting && !setting->is_positional && (flag.starts_with("--") == (key.size() > 1));
    if (!fits) {
      Words flags;
      for (const Setting& s : table_.rows()) {
        if (!s.is_positional) flags.push_back(s.flag());
        if (s.kind == SettingKind::boolean) flags.push_back("--no-" + s.name);
      }
      fail(ErrorCode::usage, "{}: unknown option{}. See --help", flag, did_you_mean(flag, flags));
    }
    return *setting;
  }

  void read_flag(const std::string& word) {
    const bool is_long = word.starts_with("--");
    const std::size_t equals = is_long ? word.find('=') : std::string::npos;
    const std::string flag = is_long ? word.substr(0, equals) : word.substr(0, 2),
                      key = flag.substr(is_long ? 2 : 1);
    const Setting& setting = known(key, flag);
    Words values;
    if (equals != std::string::npos) values.push_back(word.substr(equals + 1));
    if (!is_long && word.size() > 2) values.push_back(word.substr(2));
    if (setting.kind == SettingKind::boolean) {
      if (values.empty() && next_ + 1 < words_.size() && is_truth(words_[next_ + 1]))
        values.push_back(words_[++next_]);
      if (values.empty()) values.push_back("true");
      std::erase_if(given_,
                    [&](const Given& g) { return table_.find(g.key) == &setting; });  // the last one wins
    } else if (table_.has(given_, setting.name)) {
      fail(ErrorCode::usage, "{} given twice; expected once", setting.flag());
    }
    const std::size_t wanted = setting.kind == SettingKind::boolean ? 1 : setting.count;
    while (count(setting, values) < wanted && next_ + 1 < words_.size() && !is_flag(words_[next_ + 1]))
      values.push_back(words_[++next_]);
    if (values.empty())
      fail(ErrorCode::usage, "{}: no value is given; expected one. See --help", setting.flag());
    given_.push_back({key, values, ""});
  }

  /// True for the value in `--graph false`. In a program with positional arguments, 1 may be one of those
  /// instead.
  bool is_truth(const std::string& word) const {
    if (word == "true" || word == "false") return true;
    return (word == "1" || word == "0") && std::ranges::none_of(table_.rows(), &Setting::is_positional);
  }

  /// Number of values in a word: commas separate numbers.
  static std::size_t count(const Setting& setting, const Words& values) {
    std::size_t n = values.size();
    if (setting.count == 1) return n;
    for (const std::string& value : values) n += static_cast<std::size_t>(std::ranges::count(value, ','));
    return n;
  }

  void read_positional(const std::string& word) {
    for (const Setting& s : table_.rows()) {
      if (!s.is_positional) continue;
      const auto it = std::ranges::find(given_, s.name, &Given::key);
      if (it == given_.end()) {
        given_.push_back({s.name, {word}, ""});
        return;
      }
      if (s.is_list) {
        it->words.push_back(word);
        return;
      }
    }
    fail(ErrorCode::usage, "{}: unknown word; expected a flag such as --help before it. See --help", word);
  }

  const Settings& table_;
  const Arguments& words_;
  std::size_t next_ = 0;
  bool only_positional_ = false;
  std::vector<Given> given_;
};

/// "FLOAT FLOAT=0.08 1", "{f32,bf16}=f32"
std::string value_text(const Setting& setting) {
  static constexpr const char* kTypes[] = {"", "INT", "FLOAT", "TEXT"};
  std::string text = kTypes[static_cast<std::size_t>(setting.kind)];
  if (!setting.choices.empty()) text = fmt::format("{{{}}}", fmt::join(setting.choices, ","));
  if (setting.count > 1) text += fmt::format(" x {}", setting.count);
  if (setting.is_list) text += " ...";
  const std::string value = fmt::format("{}", fmt::join(setting.words(), " "));
  return setting.kind == SettingKind::boolean || setting.is_required || value.empty() ? text
                                                                                      : text + "=" + value;
}

std::string help_line(const Setting& setting) {
  std::string left = setting.letter ? fmt::format("  -{}, ", setting.letter) : "  ";
  left += setting.flag();
  const bool is_on = setting.kind == SettingKind::boolean && setting.words() == Words{"true"};
  if (setting.kind == SettingKind::boolean && (is_on || !setting.is_action)) left += ", --no-" + setting.name;
  if (const std::string value = value_text(setting); !value.empty()) left += " " + value;
  std::string help = setting.help + (is_on ? " (on)" : "");
  constexpr std::size_t kColumn = 30;
  if (left.size() + 1 < kColumn) return fmt::format("{:<30}{}\n", left, help);
  return fmt::format("{}\n{:30}{}\n", left, "", help);
}

}  // namespace

std::string help_text(const Program& program, const Settings& table, bool all) {
  std::string usage = program.name, positional, groups, group;
  for (const Setting& s : table.rows()) {
    if (s.is_positional) {
      const std::string word = s.name + (s.is_list ? "..." : "");
      usage += s.is_required ? " " + word : " [" + word + "]";
      positional += help_line(s);
    }
  }
  for (const Setting& s : table.rows()) {
    if (s.is_positional || (!all && s.group != "Common")) continue;
    if (s.group != group) groups += fmt::format("\n{}:\n", group = s.group);
    groups += help_line(s);
  }
  if (!positional.empty()) positional = "\nArguments:\n" + positional;
  return fmt::format("{}\nUsage: {} [OPTIONS]\n{}{}\nHelp:\n{}{}", program.about, usage, positional, groups,
                     "  -h, --help                  the common options\n"
                     "  --help-all                  all options\n"
                     "  --version                   version and compiler\n",
                     program.examples);
}

std::optional<std::vector<Given>> parse_arguments(const Program& program, const Settings& table,
                                                  const Arguments& arguments) {
  for (const std::string& word : arguments) {
    if (word == "--") break;
    if (word == "-h" || word == "--help" || word == "--help-all") {
      fmt::print("{}", help_text(program, table, word == "--help-all"));
      return std::nullopt;
    }
    if (word == "--version") {
      fmt::print("{}\n", describe_build());
      return std::nullopt;
    }
  }
  return WordReader(table, arguments).read();
}

bool read_arguments(const Program& program, const Settings& table, const Arguments& arguments) {
  auto given = parse_arguments(program, table, arguments);
  if (!given) return false;
  for (Given& variable : settings_in_environment(table)) given->push_back(std::move(variable));
  table.read(*given);
  return true;
}

int run_program(const char* program, const std::function<int()>& body) {
  const auto report = [program](const char* message, ErrorCode code) {
    fmt::print(stderr, "{}: error: {}\n", program, message);
    return static_cast<int>(code);
  };
  try {
    return body();
  } catch (const Error& e) {
    return report(e.what(), e.code());
  } catch (const std::bad_alloc&) {
    return report("out of memory. Use a smaller --batch-size", ErrorCode::environment);
  } catch (const std::system_error& e) {
    return report(
        fmt::format("the system refuses: {}. Raise its limits, or use fewer --threads and --workers",
                    e.what())
            .c_str(),
        ErrorCode::environment);
  } catch (const std::exception& e) {
    return report(fmt::format("internal error: {}. Please report it", e.what()).c_str(), ErrorCode::internal);
  }
}

}  // namespace salu
