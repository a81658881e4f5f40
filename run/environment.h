// SPDX-License-Identifier: MIT
/// environment.json: what a run ran on, one entry per start. A resumed run has several.
#pragma once

#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/file_ops.h"

namespace salu {

/// "salunet 0.1.0 (compiled by gcc 12.2.0)"
std::string describe_build();

/// Version, build, compiler, libraries, processor and memory of this process. Contains no environment
/// variables, no user and no host name.
nlohmann::json describe_machine();

/// "2026-08-01T10:15:00Z"
std::string utc_time(std::time_t time);

/// Writes {"starts": [...]}; with `resumed`, appends `start` to the existing ones.
void add_start(const std::filesystem::path& file, nlohmann::json start, bool resumed,
               FileOps& ops = real_files());

/// The starts in the text of environment.json as an array; empty when the text is damaged.
nlohmann::json starts_of(const std::string& text);

}  // namespace salu
