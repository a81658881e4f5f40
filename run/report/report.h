// SPDX-License-Identifier: MIT
/// report.html: a run on one page that needs nothing beside itself, and curves.svg: its curves alone.
#pragma once

#include <optional>
#include <string>

#include "run/report/picture_scores.h"
#include "run/report/run_data.h"

namespace salu {

/// What is known about single pictures.
struct PictureReport {
  std::optional<PictureScores> scores;
  std::string note;  ///< what was scored, or why nothing was
};

std::string report_html(const RunData& run, const PictureReport& pictures);
std::string curves_svg(const RunData& run);

/// Writes both into the run folder, each as a whole or not at all. Reads the folder as it is now: a training
/// may go on in it. Returns the path of the page.
std::filesystem::path write_run_report(const std::filesystem::path& folder, const PictureReport& pictures);

}  // namespace salu
