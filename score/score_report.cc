// SPDX-License-Identifier: MIT
#include "score/score_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/file_ops.h"

namespace salu {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '"') {
      out += fmt::format("&#{};", static_cast<int>(c));
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

/// Where things lie in the picture, in pixels.
struct Layout {
  std::size_t classes;
  bool names, counts;
  double cell, left, top;
};

Layout layout_of(std::size_t classes) {
  const bool names = classes <= 60;
  const double cell = std::clamp(600.0 / static_cast<double>(classes), 1.0, 36.0);
  const double margin = names ? 120 : 30;
  return {classes, names, classes <= 20, cell, margin, margin + 30};
}

std::string cells_svg(const EvalResult& result, const std::vector<std::string>& names, const Layout& at) {
  std::string out;
  const std::vector<std::int64_t> matrix = confusion_matrix(result);
  for (std::size_t t = 0; t < at.classes; ++t) {
    for (std::size_t p = 0; p < at.classes; ++p) {
      const std::int64_t count = matrix[t * at.classes + p];
      if (count == 0) continue;
      const double part = share(count, result.class_samples[t]);
      // From near white to dark blue.
      const auto mix = [&](int light, int dark) { return light + static_cast<int>((dark - light) * part); };
      const double x = at.left + static_cast<double>(p) * at.cell,
                   y = at.top + static_cast<double>(t) * at.cell;
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#{:02x}{:02x}{:02x}\">"
          "<title>{} taken for {}: {}</title></rect>\n",
          x, y, at.cell, at.cell, mix(222, 8), mix(235, 48), mix(247, 107), xml_text(names[t]),
          xml_text(names[p]), count);
      if (!at.counts) continue;
      out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" fill=\"{}\">{}</text>\n",
                         x + at.cell / 2, y + at.cell / 2 + 4, part > 0.5 ? "#fff" : "#000", count);
    }
  }
  return out;
}

std::string names_svg(const std::vector<std::string>& names, const Layout& at) {
  std::string out;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const double middle = (static_cast<double>(k) + 0.5) * at.cell;
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", at.left - 6,
                       at.top + middle + 4, xml_text(names[k]));
    out += fmt::format("<text transform=\"translate({:.1f} {:.1f}) rotate(-60)\">{}</text>\n",
                       at.left + middle + 4, at.top - 6, xml_text(names[k]));
  }
  return out;
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += c;
    out += c;
  }
  out += '"';
  return out;
}

std::string per_class_csv(const EvalResult& result, const std::vector<std::string>& class_names) {
  std::string out = "class,pictures,correct,top1,precision,recall,f1\n";
  const std::vector<Scores> scores = class_scores(result);
  for (std::size_t k = 0; k < scores.size(); ++k) {
    const std::int64_t all = result.class_samples[k], right = result.class_correct[k];
    out += fmt::format("{},{},{},{},{:.6f},{:.6f},{:.6f}\n", csv_field(class_names[k]), all, right,
                       all ? fmt::format("{:.3f}", 100 * share(right, all)) : "", scores[k].precision,
                       scores[k].recall, scores[k].f1);
  }
  return out;
}

std::string confusion_csv(const EvalResult& result, const std::vector<std::string>& class_names) {
  std::string out = "truth";
  for (const std::string& name : class_names) out += fmt::format(",{}", csv_field(name));
  const std::vector<std::int64_t> matrix = confusion_matrix(result);
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    if (i % class_names.size() == 0)
      out += fmt::format("\n{}", csv_field(class_names[i / class_names.size()]));
    out += fmt::format(",{}", matrix[i]);
  }
  return out + "\n";
}

std::string confusion_svg(const EvalResult& result, const std::vector<std::string>& class_names,
                          const std::string& title) {
  const Layout at = layout_of(class_names.size());
  const double side = at.cell * static_cast<double>(at.classes);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
      "{1:.0f}\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text x=\"10\" y=\"20\" font-size=\"14\">{2}: rows are the truth, columns the prediction</text>\n",
      at.left + std::max(side, 420.0) + 90, at.top + side + 20, xml_text(title));
  out += cells_svg(result, class_names, at);
  out += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" stroke=\"#888\"/>\n",
      at.left, at.top, side, side);
  if (at.names) out += names_svg(class_names, at);
  return out + "</svg>\n";
}

std::string calibration_csv(const EvalResult& result) {
  std::string out = "confidence_above,confidence_to,pictures,accuracy,mean_confidence\n";
  for (std::size_t b = 0; b < kCalibrationBins; ++b) {
    const CalibrationBin& bin = result.calibration[b];
    const double width = 1.0 / kCalibrationBins, all = static_cast<double>(bin.samples);
    out += fmt::format("{:.4f},{:.4f},{},", width * static_cast<double>(b),
                       width * static_cast<double>(b + 1), bin.samples);
    out += bin.samples
               ? fmt::format("{:.6f},{:.6f}\n", share(bin.correct, bin.samples), bin.confidence_sum / all)
               : ",\n";
  }
  return out;
}

void write_report(const std::filesystem::path& folder, const EvalResult& result,
                  const std::vector<std::string>& class_names, const std::string& title) {
  FileOps& files = real_files();
  files.make_folders(folder);
  replace_file(files, folder / "per_class.csv", per_class_csv(result, class_names));
  replace_file(files, folder / "confusion.csv", confusion_csv(result, class_names));
  replace_file(files, folder / "confusion.svg", confusion_svg(result, class_names, title));
  replace_file(files, folder / "calibration.csv", calibration_csv(result));
}

}  // namespace salu
