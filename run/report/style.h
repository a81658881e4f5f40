// SPDX-License-Identifier: MIT
/// The style of the report: light or dark as the reader's system is.
#pragma once

#include <string_view>

namespace salu {

/// Colours, and what charts use.
extern const std::string_view kChartStyle;
/// The page around them.
extern const std::string_view kPageStyle;

}  // namespace salu
