// SPDX-License-Identifier: MIT
/// Writes report.html, a run on one page that needs no other file, and curves.svg, its curves alone.
#pragma once

#include <optional>
#include <string>

#include "run/report/image_report.h"
#include "run/report/run_data.h"

namespace salu {

/// Scores of single images, if any.
struct ImageReport {
  std::optional<ImageScores> scores;
  std::string note;  ///< names the scored images, or says why there are none
};

std::string report_html(const RunData& run, const ImageReport& images);
std::string curves_svg(const RunData& run);

/// Writes both files into the run folder, each atomically. The training may still be running. Returns the
/// path of the page.
std::filesystem::path write_run_report(const std::filesystem::path& folder, const ImageReport& images);

}  // namespace salu
