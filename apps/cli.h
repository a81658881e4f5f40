// SPDX-License-Identifier: MIT
/// What both programs share: number checks with readable messages, help by groups, and the way from an
/// exception to an exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <functional>
#include <optional>
#include <string>

namespace salu {

/// Decimal digits: `'12abc' is not a whole number in 1..1048576`
CLI::Validator whole_number(long long low, long long high);
/// `nan is not a finite number > 0`; `low` itself is allowed unless `open`.
CLI::Validator real_number(double low, bool open, double high = 1e300);

/// The name of a folder to be, not a path: `'a/b' is not a plain name`.
CLI::Validator plain_name();
/// The path of a regular file: CLI11 would open a pipe or a device as well, and wait for ever.
CLI::Validator regular_file();

/// An option that may be left out: the value arrives in an optional.
template <class T>
CLI::Option* add_optional(CLI::App& app, const std::string& name, std::optional<T>& target,
                          const std::string& help) {
  return app.add_option_function<T>(
      name, [&target](const T& value) { target = value; }, help);
}

/// A switch that is on where nothing is said: `--name` and `--name true` leave it, `--name false` switches it
/// off. One that is off is CLI11's add_flag().
CLI::Option* add_switch(CLI::App& app, const std::string& name, bool& target, const std::string& help);

/// Three numbers, with spaces or commas between them: of red, green and blue.
CLI::Option* add_rgb(CLI::App& app, const std::string& name, std::optional<std::array<float, 3>>& target,
                     const std::string& help);

/// Sets the environment names (SALU_BATCH_SIZE for --batch-size), the help by groups (`--help` shows the
/// group Common, `--help-all` every group) and `--version`.
void finish_app(CLI::App& app, const std::string& examples);

/// Parses; throws Error(usage) with `--batchsize: unknown option (did you mean --batch-size?)` and the like.
/// Returns false when the help or version was asked for and has been printed.
bool parse_arguments(CLI::App& app, std::vector<std::string> arguments);

/// Whether settings that were not given are taken from the environment (as finish_app() arranges).
void read_environment(CLI::App& app, bool on);

/// Every option that was given, as arguments that give it again; those of -c, not -c itself.
std::vector<std::string> given_arguments(const CLI::App& app);

/// Every setting, for a file of -c. Throws ErrorCode::usage for one that would not come back from there.
std::string settings_as_toml(const CLI::App& app);

/// Runs a program: prints `program: error: …` on stderr and returns the exit code of what was thrown.
int run_program(const char* program, const std::function<int()>& body);

}  // namespace salu
