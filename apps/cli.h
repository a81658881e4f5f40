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

/// The values given, in the order of the command line; positional arguments last. A flag is `--name value`,
/// `--name=value`, `-n value` or `-nvalue`, with spaces or commas between the numbers of a list; a boolean is
/// `--name`, `--no-name`, `--name=true` or `--name true`, and letters may be joined: `-qb32`.
/// Nothing when help or version was asked for and has been printed. Throws ErrorCode::usage with
/// `--batchsize: unknown option (did you mean --batch-size?)` and the like.
std::optional<std::vector<Given>> parse_arguments(const Program& program, const Settings& table,
                                                  const Arguments& arguments);

/// Reads command line and environment into the table; false after printing help or version.
bool read_arguments(const Program& program, const Settings& table, const Arguments& arguments);

/// The text of --help: the group Common and positional arguments, or with `all` every group.
std::string help_text(const Program& program, const Settings& table, bool all);

/// The exit code of a part of a program. Prints an exception as `program: error: …` on stderr.
int exit_code_of(const char* program, const std::function<int()>& body);
/// exit_code_of() a whole program. Writing to a closed pipe, or beyond a limit, fails instead of ending the
/// process. Results on stdout that cannot be written are ErrorCode::environment.
int run_program(const char* program, const std::function<int()>& body);

}  // namespace salu
