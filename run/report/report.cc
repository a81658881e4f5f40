// SPDX-License-Identifier: MIT
#include "run/report/report.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include "core/file_ops.h"
#include "run/environment.h"
#include "run/report/chart.h"

namespace salu {
namespace {

using nlohmann::json;

std::string number_text(double value, const char* unit) {
  return std::isfinite(value) ? fmt::format("{:.4g}{}", value, unit) : "-";
}

void write_tile(Markup& page, const std::string& name, const std::string& value) {
  const auto tile = page.in("div", {{"class", "card"}});
  page.element("b", value);
  page.element("span", name);
}

void write_fact(Markup& page, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  const auto row = page.in("tr");
  page.element("td", name);
  page.element("td", value);
}

/// A JSON value for readers: strings without quotes, lists with commas, one level of objects as "a 1, b 2".
std::string plain_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& [name, part] : value.items())
    parts.push_back(value.is_object() ? name + " " + plain_text(part) : plain_text(part));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::int64_t whole_setting(const RunData& run, const std::string& key) {
  const std::string text = run.setting(key);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// True when --patience ended the run: applies Trainer's rule to the rows of metrics.csv, which acts only
/// after a scored epoch.
bool out_of_patience(const RunData& run) {
  const std::int64_t patience = whole_setting(run, "patience");
  const NumberTable& e = run.epochs;
  if (patience == 0 || e.rows == 0) return false;
  const std::string metric = run.setting("eval-metric");
  const std::vector<double>& scores = e[(e.has("ema_top1") ? "ema_" : "eval_") + metric];
  const double sign = metric == "loss" ? -1 : 1,
               least = std::strtod(run.setting("min-delta").c_str(), nullptr);
  double best = -INFINITY, gain_epoch = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!(sign * scores[i] > best + least)) continue;  // NaN: not scored
    best = sign * scores[i];
    gain_epoch = e["epoch"][i];
  }
  return !scores.empty() && !std::isnan(scores.back()) &&
         e.last("epoch") - gain_epoch >= static_cast<double>(patience);
}

/// "4 epochs, finished", "3 of 20 epochs".
std::string epochs_text(const RunData& run) {
  const std::int64_t planned = whole_setting(run, "epochs") + whole_setting(run, "cooldown-epochs");
  const double done = run.epochs.rows ? run.epochs.last("epoch") : 0;
  if (done == static_cast<double>(planned)) return fmt::format("{} epochs, finished", planned);
  const std::int64_t patience = whole_setting(run, "patience");
  const std::string text = fmt::format("{} of {} epochs", number_text(done, ""), planned);
  return out_of_patience(run) ? fmt::format("{}, finished early: no gain in {} epoch{}", text, patience,
                                            patience == 1 ? "" : "s")
                              : text;
}

void write_summary(Markup& page, const RunData& run) {
  const NumberTable& e = run.epochs;
  page.element("h1", fmt::format("{} on {}", run.setting("model"), run.data_name()));
  page.element(
      "div",
      fmt::format("{} · {}{}", shown(run.folder.filename()), epochs_text(run),
                  run.starts.size() > 1 ? fmt::format(" · started {} times", run.starts.size()) : ""),
      {{"class", "soft"}});
  const auto tiles = page.in("div", {{"class", "tiles"}});
  if (e.rows > 0) {
    write_tile(page, "top-1", number_text(e.last("eval_top1"), " %"));
    if (e.has("ema_top1")) write_tile(page, "top-1 of the average", number_text(e.last("ema_top1"), " %"));
    write_tile(page, "top-5", number_text(e.last("eval_top5"), " %"));
    write_tile(page, "evaluation loss", number_text(e.last("eval_loss"), ""));
    write_tile(page, "training loss", number_text(e.last("train_loss"), ""));
    write_tile(page, "images per second", number_text(e.last("img_per_s"), ""));
  }
  write_tile(page, "optimizer", run.setting("opt"));
  write_tile(page, "learning rate", run.setting("lr"));
  write_tile(page, "batch", run.setting("batch-size"));
}

void write_checkpoints(Markup& page, const RunData& run) {
  page.element("h2", "Checkpoints");
  if (run.checkpoints.empty()) {
    page.element("p", "None yet.");
    return;
  }
  const auto card = page.in("div", {{"class", "card scroll"}});
  const auto table = page.in("table");
  page.header_row({"checkpoint", "bytes", "link"});
  for (const SavedCheckpoint& saved : run.checkpoints) {
    const auto row = page.in("tr");
    page.element("td", "checkpoints/" + saved.name);
    page.element("td", grouped(saved.bytes));
    page.element("td", fmt::format("{}{}{}", saved.is_last ? "last" : "",
                                   saved.is_last && saved.is_best ? ", " : "", saved.is_best ? "best" : ""));
  }
}

void write_environment(Markup& page, const RunData& run) {
  if (run.starts.empty()) return;
  page.element("h2", "Environment");
  for (std::size_t i = 0; i < run.starts.size(); ++i) {
    const json& start = run.starts[i];
    if (!start.is_object()) continue;
    // Shows the newest start open; a run that was resumed often stays readable.
    const auto details = i + 1 == run.starts.size() ? page.in("details", {{"open", ""}}) : page.in("details");
    page.element("summary",
                 fmt::format("start {}, at step {}", i + 1, plain_text(start.value("step", json(0)))));
    const auto card = page.in("div", {{"class", "card facts"}});
    const auto table = page.in("table");
    for (const auto& [name, value] : start.items()) write_fact(page, name, plain_text(value));
  }
}

void write_configuration(Markup& page, const RunData& run) {
  page.element("h2", "Configuration");
  const auto details = page.in("details");
  page.element("summary", "config.toml");
  const auto card = page.in("div", {{"class", "card"}});
  page.element("pre", run.config);
}

void write_head(Markup& page, const RunData& run) {
  const auto head = page.in("head");
  page.empty("meta", {{"charset", "utf-8"}});
  page.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  // An empty icon: browsers would request a file otherwise.
  page.empty("link", {{"rel", "icon"}, {"href", "data:,"}});
  page.element("title", fmt::format("{}: {}", run.setting("model"), shown(run.folder.filename())));
  const auto style = page.in("style");
  page.raw(kChartStyle);
  page.raw(kPageStyle);
}

void write_images(Markup& page, const ImageReport& images) {
  if (images.scores) {
    write_image_scores(page, *images.scores);
  } else {
    page.element("h2", "Images");
  }
  page.element("p", images.note, {{"class", "soft"}});
}

}  // namespace

std::string report_html(const RunData& run, const ImageReport& images) {
  Markup page;
  page.raw("<!DOCTYPE html>\n");
  {
    const auto html = page.in("html", {{"lang", "en"}});
    write_head(page, run);
    const auto body = page.in("body");
    const auto main = page.in("main");
    write_summary(page, run);
    write_curves(page, run);
    write_geometry(page, run);
    write_images(page, images);
    write_checkpoints(page, run);
    write_environment(page, run);
    write_configuration(page, run);
    page.element("footer", "written by salutrain at " + utc_time(std::time(nullptr)));
  }
  return page.str();
}

std::string curves_svg(const RunData& run) {
  constexpr int kColumns = 2;
  const std::vector<std::string> charts = curve_charts(run);
  const double width = kColumns * kChartWidth;
  const double height = kChartHeight * static_cast<double>((charts.size() + kColumns - 1) / kColumns);
  return svg_file(width, height, [&](Markup& svg) {
    for (std::size_t i = 0; i < charts.size(); ++i) {
      const auto column = static_cast<double>(i % kColumns), row = static_cast<double>(i / kColumns);
      const auto place = svg.in(
          "g", {{"transform", fmt::format("translate({} {})", column * kChartWidth, row * kChartHeight)}});
      svg.raw(charts[i]);
    }
  });
}

std::filesystem::path write_run_report(const std::filesystem::path& folder, const ImageReport& images) {
  const RunData run = read_run(folder);
  replace_file(real_files(), folder / "curves.svg", curves_svg(run));
  const std::filesystem::path page = folder / "report.html";
  replace_file(real_files(), page, report_html(run, images));
  return page;
}

}  // namespace salu
