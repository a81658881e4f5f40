// SPDX-License-Identifier: MIT
/// Data sets by name.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace salu {

/// Names of all data sets, in the order of the help.
const std::vector<std::string>& known_datasets();

/// Opens the data set `options.dataset`, then holds out and limits samples as the options say. Throws
/// ErrorCode::usage for unknown names and impossible counts, ErrorCode::data for missing or damaged files.
DataSplits open_dataset(const DataOptions& options);

}  // namespace salu
