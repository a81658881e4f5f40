// SPDX-License-Identifier: MIT
#include "apps/cli.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <system_error>

#include "run/environment.h"
#include "train/signals.h"

namespace salu {
namespace {

/// CLI11's default of an option without a value; no argument of a program holds this byte.
constexpr std::string_view kNoValue("\0", 1);

/// Spells out the words that CLI11 reads in another way: the value of "--graph false" would be a positional
/// argument, "--lr=" would take the next word, and "-.5" would be a flag.
Words spelled_out(const Settings& table, const Arguments& arguments) {
  const bool has_positional = std::ranges::any_of(table.rows(), &Setting::is_positional);
  const auto is_truth = [&](const std::string& word) {  // a positional argument may be called 1
    return word == "true" || word == "false" || (!has_positional && (word == "1" || word == "0"));
  };
  const auto end = std::ranges::find(arguments, "--");
  Words out;
  for (const std::string& word : std::ranges::subrange(arguments.begin(), end)) {
    const std::string last = out.empty() ? "" : out.back();
    const Setting* s =
        last.starts_with('-') ? table.find(last.substr(last.starts_with("--") ? 2 : 1)) : nullptr;
    if (s && s->kind == SettingKind::boolean && is_truth(word)) {
      out.back() = (last.size() == 2 ? s->flag() : last) + "=" + word;
    } else if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      const Setting* empty = table.find(word.substr(2, word.size() - 3));
      if (empty && empty->kind == SettingKind::boolean) read_bool(*empty, "");  // throws
      out.insert(out.end(), {word.substr(0, word.size() - 1), ""});
    } else {
      const bool is_fraction = word.size() > 2 && word.starts_with("-.") && word[2] >= '0' && word[2] <= '9';
      out.push_back(is_fraction ? "-0" + word.substr(1) : word);
    }
  }
  out.insert(out.end(), end, arguments.end());
  return out;
}

/// Takes what CLI11 collected for a key: the name of a setting, or "no-" and that of a boolean.
void add_given(const Settings& table, std::vector<Given>& given, const std::string& key, const Words& words) {
  const Setting& s = *table.find(key);
  if (s.kind == SettingKind::boolean) {
    std::erase_if(given, [&](const Given& g) { return table.find(g.key) == &s; });  // the last counts
  } else if (table.has(given, s.name)) {
    fail(ErrorCode::usage, "{} given twice; expected once", s.flag());
  }
  if (words.front() == kNoValue)
    fail(ErrorCode::usage, "{}: no value is given; expected one. See --help", s.flag());
  given.push_back({key, words, ""});
}

/// Throws about the first word that no setting takes.
void refuse_unknown(const Settings& table, const Words& rest) {
  if (rest.empty() || rest == Words{"--"}) return;
  const bool only_positional = rest.front() == "--";
  const std::string& word = rest[only_positional ? 1 : 0];
  if (only_positional || !word.starts_with('-'))
    fail(ErrorCode::usage, "{}: unknown word; expected a flag such as --help before it. See --help", word);
  Words flags;
  for (const Setting& s : table.rows()) {
    if (!s.is_positional) flags.push_back(s.flag());
    if (s.kind == SettingKind::boolean) flags.push_back("--no-" + s.name);
  }
  const std::string flag = word.substr(0, word.find('='));
  fail(ErrorCode::usage, "{}: unknown option{}. See --help", flag, did_you_mean(flag, flags));
}

/// CLI11 collects the words of each setting. Positional arguments fill theirs in the order of the table.
std::vector<Given> read_words(const Settings& table, const Arguments& arguments) {
  const Words words = spelled_out(table, arguments);
  std::vector<Given> given;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const auto option = [&](const std::string& names, const std::string& key) {
    const auto take = [&, key](const Words& values) { return add_given(table, given, key, values), true; };
    return app.add_option(names, take)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  const auto is_named = [&](const Setting& s) {
    return s.letter || std::ranges::any_of(words, [&](const std::string& word) {
             return word.starts_with(s.flag()) || word.starts_with("--no-" + s.name);
           });
  };
  for (const Setting& s : table.rows()) {
    if (s.is_positional) {
      option(s.name, s.name)->expected(s.is_list ? static_cast<int>(words.size()) : 1);
    } else if (is_named(s)) {  // CLI11 takes 4 ms for all of salutrain: it compares each with those before
      const std::string letter = s.letter ? fmt::format(",-{}", s.letter) : "";
      CLI::Option* flag = option(s.flag() + letter, s.name)->trigger_on_parse();
      if (s.kind == SettingKind::boolean) {
        flag->expected(0);
        option("--no-" + s.name, "no-" + s.name)->trigger_on_parse()->expected(0);
      } else {
        flag->expected(0, static_cast<int>(s.count))->default_str(std::string(kNoValue));
        flag->delimiter(s.count > 1 ? ',' : '\0');
      }
    }
  }
  app.parse(Words(words.rbegin(), words.rend()));
  refuse_unknown(table, app.remaining());
  for (const Setting& s : table.rows()) {
    if (s.is_required && !table.has(given, s.name))
      fail(ErrorCode::usage, "{} is required: {}. See --help", s.name, s.help);
  }
  return given;
}

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

/// The next file that is opened would get the number of a closed stdin, stdout or stderr, and with it what is
/// printed there. /dev/null takes the number instead, opened so that printing still fails.
void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

/// After a stop signal its exit code remains, because the terminal may have gone with it.
int report_lost_results(const char* program, int reason) {
  tell(fmt::format(
      "{}: error: stdout: cannot write the results: {}; expected an open pipe, or a disk with room", program,
      std::generic_category().message(reason)));
  return stop_signal() ? 128 + stop_signal() : static_cast<int>(ErrorCode::environment);
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
  return read_words(table, arguments);
}

bool read_arguments(const Program& program, const Settings& table, const Arguments& arguments) {
  auto given = parse_arguments(program, table, arguments);
  if (!given) return false;
  for (Given& variable : settings_in_environment(table)) given->push_back(std::move(variable));
  table.read(*given);
  return true;
}

int exit_code_of(const char* program, const std::function<int()>& body) {
  const auto report = [program](std::string_view message, ErrorCode code) {
    tell(fmt::format("{}: error: {}", program, message));
    return static_cast<int>(code);
  };
  try {
    return body();
  } catch (const Error& e) {
    return report(e.what(), e.code());
  } catch (const std::bad_alloc&) {
    return report("out of memory. Use a smaller --batch-size", ErrorCode::environment);
  } catch (const std::system_error& e) {
    if (std::ferror(stdout)) return report_lost_results(program, e.code().value());
    const bool is_limit =
        e.code() == std::errc::resource_unavailable_try_again || e.code() == std::errc::too_many_files_open;
    return report(fmt::format("the system refuses: {}{}", e.what(),
                              is_limit ? ". Raise its limits, or use fewer --threads and --workers" : ""),
                  ErrorCode::environment);
  } catch (const std::exception& e) {
    return report(fmt::format("internal error: {}. Please report it", e.what()), ErrorCode::internal);
  }
}

int run_program(const char* program, const std::function<int()>& body) {
  occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const int code = exit_code_of(program, body);
  if (std::ferror(stdout) || std::fflush(stdout) == 0) return code;  // an earlier failure has been reported
  return report_lost_results(program, errno);
}

}  // namespace salu
