// SPDX-License-Identifier: MIT
#include "run/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "run/run_log.h"

namespace salu {
namespace {

constexpr double kLeft = 50, kRight = 12, kTop = 50, kBottom = 40;
// Up to this many points are marked, so that a single epoch is visible.
constexpr std::size_t kMarkedPoints = 30;

struct Range {
  double low = INFINITY, high = -INFINITY;
  void include(double v) { low = std::min(low, v), high = std::max(high, v); }
};

/// Maps data to pixels.
struct Axes {
  Range x, y;
  bool log = false;

  double at_x(double v) const {
    return kLeft + (v - x.low) / (x.high - x.low) * (kChartWidth - kLeft - kRight);
  }
  double at_y(double v) const {
    const double share =
        log ? std::log(v / y.low) / std::log(y.high / y.low) : (v - y.low) / (y.high - y.low);
    return kChartHeight - kBottom - share * (kChartHeight - kTop - kBottom);
  }
};

bool is_shown(const Axes& axes, const Series& s, std::size_t i) {
  return std::isfinite(s.x[i]) && std::isfinite(s.y[i]) && (!axes.log || s.y[i] > 0);
}

/// Adds a margin, also around a single value.
void widen(Range& range, double share) {
  const double room =
      range.high > range.low ? share * (range.high - range.low) : std::max(0.5 * std::abs(range.high), 1e-6);
  range.low -= room;
  range.high += room;
}

/// Axes over all points; x.low > x.high when there are none.
Axes axes_of(const ChartOptions& options, const std::vector<Series>& series) {
  Axes axes;
  Range positive;
  for (const Series& s : series) {
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if (!is_shown(axes, s, i)) continue;
      axes.x.include(s.x[i]);
      axes.y.include(s.y[i]);
      if (s.y[i] > 0) positive.include(s.y[i]);
    }
  }
  if (axes.x.low > axes.x.high) return axes;
  if (axes.x.low == axes.x.high) axes.x.low -= 0.5, axes.x.high += 0.5;
  if (options.may_log && positive.high > 30 * positive.low) {
    axes.log = true;
    axes.y = {positive.low / 1.1, positive.high * 1.1};
    return axes;
  }
  const bool positive_only = axes.y.low >= 0;
  widen(axes.y, 0.05);
  if (options.from_zero || (positive_only && axes.y.low < 0)) axes.y.low = std::min(axes.y.low, 0.0);
  if (positive_only) axes.y.low = options.from_zero ? 0 : std::max(axes.y.low, 0.0);
  return axes;
}

void draw_frame(Markup& svg, const Axes& axes, const std::string& x_name) {
  const double bottom = kChartHeight - kBottom, right = kChartWidth - kRight;
  for (const double v : axes.log ? log_ticks(axes.y.low, axes.y.high) : ticks(axes.y.low, axes.y.high, 5)) {
    const std::string y = coordinate(axes.at_y(v));
    svg.empty(
        "line",
        {{"class", "grid"}, {"x1", coordinate(kLeft)}, {"x2", coordinate(right)}, {"y1", y}, {"y2", y}});
    svg.element("text", tick_text(v),
                {{"class", "tick end"}, {"x", coordinate(kLeft - 6)}, {"y", y}, {"dy", "0.35em"}});
  }
  for (const double v : whole_ticks(axes.x.low, axes.x.high, 6)) {
    svg.element("text", tick_text(v),
                {{"class", "tick middle"}, {"x", coordinate(axes.at_x(v))}, {"y", coordinate(bottom + 15)}});
  }
  svg.empty("line", {{"class", "axis"},
                     {"x1", coordinate(kLeft)},
                     {"x2", coordinate(right)},
                     {"y1", coordinate(bottom)},
                     {"y2", coordinate(bottom)}});
  svg.element("text", x_name,
              {{"class", "tick end"}, {"x", coordinate(right)}, {"y", coordinate(bottom + 31)}});
}

std::string stroke_of(const Series& s, std::size_t index) {
  return s.stroke.empty() ? fmt::format("var(--c{})", index % 4) : s.stroke;
}

void draw_series(Markup& svg, const Axes& axes, const Series& s, const std::string& stroke) {
  const auto group = svg.in("g", {{"class", "curve"}, {"style", "stroke:" + stroke + ";color:" + stroke}});
  svg.element("title", s.name);
  std::string path;
  bool pen_down = false;
  std::size_t shown = 0;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!is_shown(axes, s, i)) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{} {}", pen_down ? 'L' : 'M', coordinate(axes.at_x(s.x[i])),
                        coordinate(axes.at_y(s.y[i])));
    pen_down = true;
    ++shown;
  }
  svg.empty("path", {{"d", path}});
  if (shown > kMarkedPoints) return;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!is_shown(axes, s, i)) continue;
    svg.empty("circle",
              {{"r", "2.2"}, {"cx", coordinate(axes.at_x(s.x[i]))}, {"cy", coordinate(axes.at_y(s.y[i]))}});
  }
}

/// Draws the names with their last values, side by side.
void draw_legend(Markup& svg, const std::vector<Series>& series) {
  double x = kLeft;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const Series& s = series[i];
    const auto last = std::find_if(s.y.rbegin(), s.y.rend(), [](double v) { return std::isfinite(v); });
    const std::string text = last == s.y.rend() ? s.name : fmt::format("{} {:.4g}", s.name, *last);
    svg.empty("rect", {{"x", coordinate(x)},
                       {"y", "33"},
                       {"width", "10"},
                       {"height", "3"},
                       {"style", "fill:" + stroke_of(s, i)}});
    svg.element("text", text, {{"class", "tick"}, {"x", coordinate(x + 14)}, {"y", "38"}});
    x += 14 + 6.2 * static_cast<double>(text.size()) + 12;
  }
}

}  // namespace

std::vector<double> ticks(double low, double high, int wanted) {
  const double rough = (high - low) / wanted, power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power, step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  std::vector<double> out;
  const double first = std::ceil(low / step - 1e-9);
  for (double i = first; i * step <= high + 1e-9 * step; ++i) out.push_back(i * step + 0.0);
  return out;
}

std::vector<double> whole_ticks(double low, double high, int wanted) {
  std::vector<double> out = ticks(low, high, wanted);
  std::erase_if(out, [](double v) { return v != std::round(v); });
  return out;
}

std::vector<double> log_ticks(double low, double high) {
  const bool dense = high / low < 2000;
  std::vector<double> out;
  for (double exponent = std::floor(std::log10(low)); exponent <= std::ceil(std::log10(high)); ++exponent) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double v = digit * std::pow(10, exponent);
      if (v >= low && v <= high && (dense || digit == 1)) out.push_back(v);
    }
  }
  return out;
}

std::string tick_text(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

Series thinned(const Series& series, std::size_t points) {
  const std::size_t size = series.x.size();
  if (size <= points) return series;
  Series out{series.name, {}, {}, series.stroke};
  for (std::size_t p = 0; p < points; ++p) {
    const std::size_t begin = p * size / points, end = (p + 1) * size / points;
    double x = 0, y = 0, finite = 0;
    for (std::size_t i = begin; i < end; ++i) {
      x += series.x[i];
      if (std::isfinite(series.y[i])) y += series.y[i], ++finite;
    }
    out.x.push_back(x / static_cast<double>(end - begin));
    out.y.push_back(finite > 0 ? y / finite : NAN);
  }
  return out;
}

std::string line_chart(const ChartOptions& options, const std::vector<Series>& series) {
  Markup svg;
  {
    const auto root = svg.in("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                                     {"class", "chart"},
                                     {"role", "img"},
                                     {"aria-label", options.title},
                                     {"width", coordinate(kChartWidth)},
                                     {"height", coordinate(kChartHeight)},
                                     {"viewBox", fmt::format("0 0 {} {}", kChartWidth, kChartHeight)}});
    svg.element("text", options.title, {{"class", "title"}, {"x", "12"}, {"y", "20"}});
    const Axes axes = axes_of(options, series);
    if (axes.x.low > axes.x.high) {
      svg.element("text", "no data yet",
                  {{"class", "tick middle"},
                   {"x", coordinate(kChartWidth / 2)},
                   {"y", coordinate(kChartHeight / 2)}});
    } else {
      draw_frame(svg, axes, options.x_name);
      for (std::size_t i = 0; i < series.size(); ++i)
        draw_series(svg, axes, series[i], stroke_of(series[i], i));
      if (options.legend) draw_legend(svg, series);
    }
  }
  return svg.str();
}

// The curves of a run.

namespace {

constexpr std::size_t kMostPoints = 800;  // about two per pixel

struct Column {
  const char *name, *label;
};

/// A column of the table without its empty cells; --val-interval leaves most epochs unscored.
Series series_of(const NumberTable& table, const char* x, const Column& column) {
  Series series{column.label, {}, {}, ""};
  for (std::size_t row = 0; row < table.rows; ++row) {
    const double y = table[column.name][row];
    if (std::isnan(y)) continue;
    series.x.push_back(table[x][row]);
    series.y.push_back(y);
  }
  return series;
}

std::string chart_of(const NumberTable& table, const char* x, const std::vector<Column>& columns,
                     const ChartOptions& options) {
  std::vector<Series> series;
  for (const Column& column : columns) {
    if (table.has(column.name)) series.push_back(thinned(series_of(table, x, column), kMostPoints));
  }
  return line_chart(options, series);
}

/// A colour from blue (first layer) to orange (last), readable on light and dark.
std::string depth_colour(double depth) { return fmt::format("hsl({:.0f} 75% 58%)", 220 + 170 * depth); }

/// A chart of S or W for all stabilizers or all gates.
std::string geometry_chart(const NumberTable& table, const std::vector<std::string>& layers,
                           const char* suffix, const std::string& title) {
  std::vector<Series> series;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const double depth =
        layers.size() > 1 ? static_cast<double>(i) / static_cast<double>(layers.size() - 1) : 0;
    series.push_back(
        thinned({layers[i], table["epoch"], table[layers[i] + suffix], depth_colour(depth)}, kMostPoints));
  }
  return line_chart({title, "epoch", false, false, true}, series);
}

/// Layers with S and W in the table, in the order of the file.
std::vector<std::string> layers_of(const NumberTable& table, bool gates) {
  std::vector<std::string> layers;
  for (const std::string& name : table.names) {
    if (!name.ends_with(".S")) continue;
    const std::string layer = name.substr(0, name.size() - 2);
    if (table.has(layer + ".W") && is_gate(layer) == gates) layers.push_back(layer);
  }
  return layers;
}

void write_geometry_table(Markup& page, const NumberTable& table, const std::vector<std::string>& layers) {
  const auto scroll = page.in("div", {{"class", "card scroll"}});
  const auto body = page.in("table");
  page.header_row({"layer", "S at the start", "S now", "W at the start", "W now"});
  for (const std::string& layer : layers) {
    const auto row = page.in("tr");
    page.element("td", layer);
    for (const char* suffix : {".S", ".W"}) {
      const std::vector<double>& values = table[layer + suffix];
      page.element("td", fmt::format("{:.3f}", values.front()));
      page.element("td", fmt::format("{:.3f}", values.back()));
    }
  }
}

}  // namespace

std::vector<std::string> curve_charts(const RunData& run) {
  const NumberTable &epochs = run.epochs, &steps = run.steps;
  return {
      chart_of(epochs, "epoch",
               {{"train_loss", "train"}, {"eval_loss", "evaluation"}, {"ema_loss", "average"}},
               {"Loss", "epoch", false, true, true}),
      chart_of(epochs, "epoch",
               {{"eval_top1", "top-1"}, {"eval_top5", "top-5"}, {"ema_top1", "top-1 of the average"}},
               {"Accuracy in %", "epoch"}),
      chart_of(steps, "step", {{"loss", "batch"}}, {"Training loss per step", "step", false, true, true}),
      chart_of(steps, "step", {{"lr", "lr"}}, {"Learning rate", "step", true}),
      chart_of(steps, "step", {{"grad_norm", "norm"}}, {"Gradient norm", "step", false, true, true}),
      chart_of(steps, "step", {{"img_per_s", "img/s"}}, {"Speed in images per second", "step", true}),
  };
}

void write_curves(Markup& page, const RunData& run) {
  page.element("h2", "Curves");
  const auto charts = page.in("div", {{"class", "charts"}});
  for (const std::string& chart : curve_charts(run)) {
    const auto card = page.in("div", {{"class", "card"}});
    page.raw(chart);
  }
}

void write_geometry(Markup& page, const RunData& run) {
  const NumberTable& table = run.coefficients;
  const auto stabilizers = layers_of(table, false), gates = layers_of(table, true);
  if (table.rows == 0 || stabilizers.size() + gates.size() == 0) return;
  page.element("h2", "SALU geometry");
  {
    const auto text = page.in("p");
    page.text(
        "Each stabilizer and each gate is a curve a x / sqrt(1 + a b x²). It saturates at S = sqrt(a/b) and "
        "bends "
        "at W = 1/sqrt(a b). One line per layer, ");
    const auto legend = page.in("span", {{"class", "soft"}});
    page.text("first layer");
    page.element("span", "",
                 {{"class", "depth"},
                  {"style", fmt::format("background:linear-gradient(to right,{},{},{},{})", depth_colour(0),
                                        depth_colour(0.33), depth_colour(0.67), depth_colour(1))}});
    page.text("last layer");
  }
  {
    const auto charts = page.in("div", {{"class", "charts"}});
    for (const auto& [layers, kind] : {std::pair{&stabilizers, "Stabilizers"}, std::pair{&gates, "Gates"}}) {
      for (const auto& [suffix, name] : {std::pair{".S", "saturation S"}, std::pair{".W", "width W"}}) {
        if (layers->empty()) continue;
        const auto card = page.in("div", {{"class", "card"}});
        page.raw(geometry_chart(table, *layers, suffix, fmt::format("{}: {}", kind, name)));
      }
    }
  }
  const auto details = page.in("details");
  page.element("summary", "S and W by layer");
  for (const auto* layers : {&stabilizers, &gates}) {
    if (!layers->empty()) write_geometry_table(page, table, *layers);
  }
}

}  // namespace salu
