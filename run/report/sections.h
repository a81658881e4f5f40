// SPDX-License-Identifier: MIT
/// The parts of the report, from top to bottom. A part without data writes nothing.
#pragma once

#include "run/report/chart.h"
#include "run/report/markup.h"
#include "run/report/picture_scores.h"
#include "run/report/run_data.h"

namespace salu {

void write_summary(Markup& page, const RunData& run);
/// Loss, accuracy, learning rate, gradient norm and speed as <svg> elements.
std::vector<std::string> curve_charts(const RunData& run);
void write_curves(Markup& page, const RunData& run);
/// S and W of stabilizers and gates over the epochs.
void write_geometry(Markup& page, const RunData& run);
void write_confusion(Markup& page, const PictureScores& scores);
void write_worst_pictures(Markup& page, const PictureScores& scores);
void write_classes(Markup& page, const PictureScores& scores);
void write_checkpoints(Markup& page, const RunData& run);
void write_environment(Markup& page, const RunData& run);
void write_configuration(Markup& page, const RunData& run);

}  // namespace salu
