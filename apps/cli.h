// SPDX-License-Identifier: MIT
/// The command line: parsing, the help text, and the exit code of an exception.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "run/settings.h"

namespace salu {

using Arguments = std::vector<std::string>;

struct Program {
  const char* name;      ///< "salutrain pack"
  const char* about;     ///< a sentence
  const char* examples;  ///< shown below the help
};

/// Parses the command line; values are in its order. Accepts `--name value`, `--name=value`, `-n value`,
/// `-nvalue`; lists of numbers separated by spaces or commas; a boolean as `--name`, `--no-name` or
/// `--name=true`. Returns nothing after printing help or version. Throws ErrorCode::usage with `--batchsize:
/// unknown option (did you mean --batch-size?)` and the like.
std::optional<std::vector<Given>> parse_arguments(const Program& program, const Settings& table,
                                                  const Arguments& arguments);

/// Reads command line and environment into the table; false after printing help or version.
bool read_arguments(const Program& program, const Settings& table, const Arguments& arguments);

/// The text of --help: the group Common and positional arguments, or with `all` every group.
std::string help_text(const Program& program, const Settings& table, bool all);

/// Runs a program. Prints an exception as `program: error: …` on stderr and returns its exit code.
int run_program(const char* program, const std::function<int()>& body);

}  // namespace salu
