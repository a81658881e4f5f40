// SPDX-License-Identifier: MIT
/// Curves as SVG, and the curves of a run. Colours come from the classes of kChartStyle, so that a chart is
/// readable on light and dark.
#pragma once

#include <string>
#include <vector>

#include "run/report/markup.h"
#include "run/report/run_data.h"

namespace salu {

inline constexpr double kChartWidth = 440, kChartHeight = 270;

struct Series {
  std::string name;  ///< shown in the legend, and as a tooltip of the curve
  std::vector<double> x, y;
  std::string stroke;  ///< CSS colour; empty: the next of the style's four
};

struct ChartOptions {
  std::string title, x_name;
  bool from_zero = false;  ///< the y axis includes 0
  bool legend = true;
  bool may_log =
      false;  ///< allows a logarithmic y axis, used when positive values span more than a factor of 30
};

/// An <svg> element. Non-finite points leave gaps; without any finite point it shows "no data yet".
std::string line_chart(const ChartOptions& options, const std::vector<Series>& series);

/// About `wanted` round numbers (1, 2 or 5 times a power of ten) within [low, high].
std::vector<double> ticks(double low, double high, int wanted);
/// The whole numbers among ticks(), for epochs and steps.
std::vector<double> whole_ticks(double low, double high, int wanted);
/// Powers of ten within [low, high]; over few decades also two and five times them.
std::vector<double> log_ticks(double low, double high);
/// 0.001 -> "0.001", 12000 -> "12k", 3e-7 -> "3e-07".
std::string tick_text(double value);

/// A series of at most `points` points, each the mean of the same number of neighbours.
Series thinned(const Series& series, std::size_t points);

/// Loss, accuracy, learning rate, gradient norm and speed as <svg> elements.
std::vector<std::string> curve_charts(const RunData& run);

// Sections of the page. A section without data writes nothing.
void write_curves(Markup& page, const RunData& run);
/// S and W of stabilizers and gates over the epochs.
void write_geometry(Markup& page, const RunData& run);

}  // namespace salu
