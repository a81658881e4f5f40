// SPDX-License-Identifier: MIT
#include "run/report/report.h"

#include <ctime>

#include "core/file_ops.h"
#include "run/environment.h"
#include "run/report/sections.h"
#include "run/report/style.h"

namespace salu {
namespace {

void write_head(Markup& page, const RunData& run) {
  const auto head = page.in("head");
  page.empty("meta", {{"charset", "utf-8"}});
  page.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.empty("link", {{"rel", "icon"}, {"href", "data:,"}});  // without it browsers ask for a file
  page.element("title", fmt::format("{}: {}", run.setting("model"), shown(run.folder.filename())));
  const auto style = page.in("style");
  page.raw(kChartStyle);
  page.raw(kPageStyle);
}

void write_pictures(Markup& page, const PictureReport& pictures) {
  if (pictures.scores) {
    write_confusion(page, *pictures.scores);
    write_worst_pictures(page, *pictures.scores);
    write_classes(page, *pictures.scores);
  } else {
    page.element("h2", "Pictures");
  }
  page.element("p", pictures.note, {{"class", "soft"}});
}

}  // namespace

std::string report_html(const RunData& run, const PictureReport& pictures) {
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
    write_pictures(page, pictures);
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
  Markup svg;
  {
    const auto root = svg.in("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                                     {"width", coordinate(width)},
                                     {"height", coordinate(height)},
                                     {"viewBox", fmt::format("0 0 {} {}", width, height)}});
    {
      const auto style = svg.in("style");
      svg.raw(kChartStyle);
    }
    svg.empty("rect", {{"class", "back"}, {"width", coordinate(width)}, {"height", coordinate(height)}});
    for (std::size_t i = 0; i < charts.size(); ++i) {
      const auto column = static_cast<double>(i % kColumns), row = static_cast<double>(i / kColumns);
      const auto place = svg.in(
          "g", {{"transform", fmt::format("translate({} {})", column * kChartWidth, row * kChartHeight)}});
      svg.raw(charts[i]);
    }
  }
  return svg.str();
}

std::filesystem::path write_run_report(const std::filesystem::path& folder, const PictureReport& pictures) {
  const RunData run = read_run(folder);
  replace_file(real_files(), folder / "curves.svg", curves_svg(run));
  const std::filesystem::path page = folder / "report.html";
  replace_file(real_files(), page, report_html(run, pictures));
  return page;
}

}  // namespace salu
