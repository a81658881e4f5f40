// SPDX-License-Identifier: MIT
#include "apps/cli.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
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

/// CLI11 2.1 takes a '#' in quotes for the beginning of a comment.
class QuotedToml : public CLI::ConfigTOML {
 public:
  QuotedToml() { commentChar = '\0'; }
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    std::string text;
    for (std::string line; std::getline(in, line);) text += without_comment(line) + "\n";
    std::istringstream stripped(text);
    return CLI::ConfigTOML::from_config(stripped);
  }

 private:
  static std::string without_comment(const std::string& line) {
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
};

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options()) {
    for (const std::string& n : o->get_lnames()) names.push_back("--" + n);
  }
  return names;
}

/// CLI11 names the key that no option knows, but not where it stands.
[[noreturn]] void explain_config(const CLI::App& app, const std::string& message) {
  const std::string path = app.get_config_ptr()->as<std::string>(),
                    key = message.substr(message.rfind(' ') + 1);
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.starts_with(key)) {
      std::string hint = did_you_mean("--" + key, option_names(app));
      fail(ErrorCode::usage, "{}: line {}: unknown key '{}'{}. See --help-all", escaped(path), number,
           escaped(key), hint);
    }
  }
  fail(ErrorCode::usage, "{}: {}", escaped(path), escaped(message));
}

[[noreturn]] void explain(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ConfigError*>(&error)) explain_config(app, error.what());
  for (const CLI::Option* o : app.get_options()) {
    if (o->get_items_expected_max() == 1 && o->results().size() > 1) {
      fail(ErrorCode::usage, "{} given twice; expected once", o->get_name());
    }
  }
  fail(ErrorCode::usage, "{}", escaped(error.what()));
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
