// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "run/report/sections.h"
#include "run/run_log.h"

namespace salu {
namespace {

constexpr std::size_t kMostPoints = 800;  // about two per pixel

struct Column {
  const char *name, *label;
};

/// Without the rows whose cell is empty: --val-interval leaves most epochs unscored.
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

/// From blue (first layer) to orange (last), readable on light and dark.
std::string depth_colour(double depth) { return fmt::format("hsl({:.0f} 75% 58%)", 220 + 170 * depth); }

/// One quantity of all stabilizers or all gates.
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

/// Layers of which the table has S and W, in the order of the file.
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
  {
    const auto row = page.in("tr");
    for (const char* name : {"layer", "S at the start", "S now", "W at the start", "W now"})
      page.element("th", name);
  }
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
      chart_of(steps, "step", {{"img_per_s", "img/s"}}, {"Speed in pictures per second", "step", true}),
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
