// SPDX-License-Identifier: MIT
#include "apps/cli.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <sstream>
#include <system_error>

#include "core/error.h"
#include "core/text.h"

namespace salu {
namespace {

/// `--help` shows the group Common (and positional arguments), `--help-all` every group.
class GroupFormatter : public CLI::Formatter {
 public:
  explicit GroupFormatter(bool all) : all_(all) {}
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    if (!all_ && !is_positional && group != "Common") return "";
    return CLI::Formatter::make_group(group, is_positional, options);
  }

 private:
  bool all_;
};

std::string without_comment(const std::string& line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quote != 0) {
      if (line[i] == quote) quote = 0;
    } else if (line[i] == '#') {
      return line.substr(0, i);
    } else if (line[i] == '"' || line[i] == '\'') {
      quote = line[i];
    }
  }
  return line;
}

/// The key of a line of a configuration file, or "".
std::string key_of(const std::string& line) {
  const std::string plain = without_comment(line);
  std::string key = CLI::detail::trim_copy(plain.substr(0, plain.find('=')));
  return CLI::detail::remove_quotes(key);
}

/// CLI11 2.1 takes a '#' in quotes for the beginning of a comment, and the first of two equal keys.
class QuotedToml : public CLI::ConfigTOML {
 public:
  QuotedToml() { commentChar = '\0'; }
  /// Its own errors begin with the line.
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    std::string text;
    std::map<std::string, int> seen;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      text += without_comment(line) + "\n";
      const std::string key = key_of(line);
      if (key.starts_with('[') && key.ends_with(']')) {
        throw CLI::ConfigError(
            fmt::format("line {}: section {}; expected keys without sections, such as lr=0.1", number, key));
      }
      if (line.find('=') == line.npos) continue;  // may be a further line of a list
      if (const auto [first, is_new] = seen.emplace(key, number); !is_new) {
        throw CLI::ConfigError(
            fmt::format("line {}: {} stands in line {}, too; expected it once", number, key, first->second));
      }
    }
    std::istringstream stripped(text);
    return CLI::ConfigTOML::from_config(stripped);
  }
};

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options()) {
    for (const std::string& n : o->get_lnames()) names.push_back("--" + n);
  }
  return names;
}

/// The file of -c, or "" when there is none that can be read.
std::string config_path(const CLI::App& app) {
  const CLI::Option* option = app.get_config_ptr();
  if (!option || option->count() == 0) return "";
  std::error_code error;
  const std::string path = option->results().front();
  return std::filesystem::is_regular_file(path, error) ? path : "";
}

std::vector<CLI::ConfigItem> config_items(const CLI::App& app) {
  const std::string path = config_path(app);
  try {
    return path.empty() ? std::vector<CLI::ConfigItem>() : app.get_config_formatter_base()->from_file(path);
  } catch (const CLI::Error&) {
    return {};  // another error came first
  }
}

/// "c.toml: line 3: "
std::string place_in_config(const CLI::App& app, const std::string& key) {
  const std::string path = config_path(app);
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (key_of(line) == key) return fmt::format("{}: line {}: ", escaped(path), number);
  }
  return escaped(path) + ": ";
}

/// CLI11 names the key that it cannot take, but not where it stands.
[[noreturn]] void explain_config(const CLI::App& app, const std::string& message) {
  constexpr std::string_view kUnknown = "INI was not able to parse ";
  if (message.starts_with("line ")) {
    fail(ErrorCode::usage, "{}: {}", escaped(config_path(app)), escaped(message));
  }
  if (message.starts_with(kUnknown)) {
    const std::string key = message.substr(kUnknown.size());
    fail(ErrorCode::usage, "{}unknown key '{}'{}. See --help-all", place_in_config(app, key), escaped(key),
         did_you_mean("--" + key, option_names(app)));
  }
  const std::string key = message.substr(0, message.find(':'));
  fail(ErrorCode::usage, "{}{}", place_in_config(app, key), escaped(message));
}

/// Where the value of an option was found, if not on the command line: "c.toml: line 3: " or
/// "SALU_EPOCHS in the environment: ". CLI11 does not tell; the same text there does.
std::string source_of(const CLI::App& app, const CLI::Option& option) {
  const std::string value = CLI::detail::join(option.results());
  for (const CLI::ConfigItem& item : config_items(app)) {
    const bool named = option.check_name("--" + item.name) || option.check_name("-" + item.name);
    if (named && CLI::detail::join(item.inputs) == value) return place_in_config(app, item.name);
  }
  const char* variable = option.get_envname().empty() ? nullptr : std::getenv(option.get_envname().c_str());
  return variable && variable == value ? option.get_envname() + " in the environment: " : "";
}

[[noreturn]] void explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::string message = error.what();
  if (dynamic_cast<const CLI::ConfigError*>(&error)) explain_config(app, message);
  for (const CLI::Option* o : app.get_options()) {
    const std::string name = o->get_name();
    if (o->get_items_expected_max() == 1 && o->results().size() > 1) {
      fail(ErrorCode::usage, "{}{} given twice; expected once", source_of(app, *o), name);
    }
    if (o->count() > 0 &&
        (message.starts_with(name + ":") || message.find(": " + name + " =") != message.npos))
      fail(ErrorCode::usage, "{}{}", source_of(app, *o), escaped(message));
  }
  fail(ErrorCode::usage, "{}", escaped(message));
}

void refuse_unknown(const CLI::App& app) {
  for (const std::string& word : app.remaining()) {
    const std::string name = word.substr(0, word.find('='));
    fail(ErrorCode::usage, "{}: unknown option{}. See --help", escaped(name),
         did_you_mean(name, option_names(app)));
  }
}

}  // namespace

CLI::Validator whole_number(long long low, long long high) {
  return CLI::Validator(
      [low, high](const std::string& text) {
        long long value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high) {
          const std::string plain = fmt::format("{}", value);
          return text == plain ? "" : fmt::format("'{}': expected {}", text, plain);  // CLI11 takes 010 for 8
        }
        return fmt::format("'{}' is not a whole number in {}..{}", escaped(text), low, high);
      },
      "");
}

CLI::Validator plain_name() {
  return CLI::Validator(
      [](const std::string& text) {
        const bool plain = !text.empty() && text.front() != '.' && text.find('/') == text.npos;
        return plain ? std::string() : fmt::format("'{}' is not a plain name", escaped(text));
      },
      "");
}

CLI::Validator real_number(double low, bool open, double high) {
  return CLI::Validator(
      [=](const std::string& text) {
        double value = NAN;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = error == std::errc() && end == text.data() + text.size();
        if (whole && std::isfinite(value) && (open ? value > low : value >= low) && value <= high) {
          return std::string();
        }
        return fmt::format("{} is not a finite number {} {}{}", escaped(text), open ? ">" : ">=", low,
                           high < 1e300 ? fmt::format(" and <= {}", high) : "");
      },
      "");
}

CLI::Validator regular_file() {
  return CLI::Validator(
      [](const std::string& path) {
        std::error_code error;
        const std::filesystem::file_status status = std::filesystem::status(path, error);
        if (std::filesystem::is_regular_file(status)) return std::string();
        return fmt::format("{}: {}; expected a file", escaped(path),
                           std::filesystem::exists(status) ? "not a regular file" : error.message());
      },
      "");
}

CLI::Option* add_rgb(CLI::App& app, const std::string& name, std::optional<std::array<float, 3>>& target,
                     const std::string& help) {
  const auto set = [&target](const std::vector<float>& v) { target = {v[0], v[1], v[2]}; };
  return app.add_option_function<std::vector<float>>(name, set, help)->expected(3)->delimiter(',');
}

CLI::Option* add_switch(CLI::App& app, const std::string& name, bool& target, const std::string& help) {
  return app.add_option(name, target, help)->expected(0, 1)->capture_default_str();
}

void finish_app(CLI::App& app, const std::string& examples) {
  app.set_help_flag("-h,--help", "the common options")->group("Common");
  app.set_help_all_flag("--help-all", "all options")->group("Common");
  app.set_version_flag("--version", SALU_VERSION)->group("Common");
  app.footer(examples);
  app.config_formatter(std::make_shared<QuotedToml>());
  app.allow_extras();
  app.allow_config_extras(CLI::config_extras_mode::error);
  read_environment(app, true);
}

void read_environment(CLI::App& app, bool on) {
  for (CLI::Option* o : app.get_options()) {
    if (o->get_lnames().empty() || !o->get_configurable()) continue;
    std::string name = "SALU_" + o->get_lnames().front();
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    o->envname(on ? name : "");
  }
}

std::vector<std::string> given_arguments(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* o : app.get_options()) {
    if (o->count() == 0 || o == app.get_config_ptr()) continue;
    const CLI::results_t& values = o->results();
    const std::string name = o->get_name();
    if (values.size() == 1) {
      out.push_back(name + "=" + values[0]);
    } else {
      out.push_back(name);
      out.insert(out.end(), values.begin(), values.end());
    }
  }
  return out;
}

std::string settings_as_toml(const CLI::App& app) {
  const std::string toml = app.config_to_str(true, false);
  std::istringstream in(toml);
  std::map<std::string, std::vector<std::string>> read;
  for (const CLI::ConfigItem& item : app.get_config_formatter_base()->from_config(in))
    read[item.name] = item.inputs;
  for (const CLI::Option* o : app.get_options()) {
    if (o->count() == 0 || !o->get_configurable() || read[o->get_lnames().front()] == o->results()) continue;
    fail(ErrorCode::usage,
         "{}: {} cannot stand in config.toml; expected no line breaks and one kind of quotes at most",
         o->get_name(), escaped(fmt::format("{}", fmt::join(o->results(), " "))));
  }
  return toml;
}

bool parse_arguments(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    app.formatter(std::make_shared<GroupFormatter>(false));
    fmt::print("{}", app.help());
    return false;
  } catch (const CLI::CallForAllHelp&) {
    app.formatter(std::make_shared<GroupFormatter>(true));
    fmt::print("{}", app.help());
    return false;
  } catch (const CLI::CallForVersion& e) {
    fmt::print("{}\n", e.what());
    return false;
  } catch (const CLI::ParseError& e) {
    refuse_unknown(app);
    explain(app, e);
  }
  refuse_unknown(app);
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
