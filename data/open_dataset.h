// SPDX-License-Identifier: MIT
/// Data sets by name.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace salu {

/// All names, in the order of the help.
const std::vector<std::string>& known_datasets();

/// Opens the data set `options.dataset`, holds out samples and limits their number as the options say. Throws
/// ErrorCode::usage for unknown names and impossible counts, ErrorCode::data for missing or damaged
/// files.
DataSplits open_dataset(const DataOptions& options);

}  // namespace salu
