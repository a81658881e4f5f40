// SPDX-License-Identifier: MIT
/// Text files with a class per line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "score/scoring.h"

namespace salu {

/// The positions of the classes that a file lists: a name, or else an index, per line. Throws
/// ErrorCode::data, with the line, for what is neither.
std::vector<std::int64_t> listed_classes(const std::filesystem::path& file, const ModelCard& card);

/// What each class is called among people, in the order of the outputs: from lines of the form
/// `n01440764 tench, Tinca tinca`, or, without a file, from label_descriptions of the checkpoint's
/// config.json. A network without class names gets them from a file that has a line for each output.
std::vector<std::string> class_descriptions(const std::filesystem::path& file, ScoringModel& model);

}  // namespace salu
