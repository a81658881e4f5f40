// SPDX-License-Identifier: MIT
#include "score/results.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/file_ops.h"
#include "core/text.h"
#include "run/report/image_report.h"

namespace salu {
namespace {

constexpr int kPercent = 3;  // decimals, as in timm

struct Figure {
  std::string name;
  nlohmann::json value;
  int decimals = -1;  ///< in CSV; below 0: all
};

/// All figures of a row under their names in JSON and CSV.
std::vector<Figure> figures_of(const ScoredWeights& s) {
  const EvalResult& r = s.result;
  std::vector<Figure> out = {{"model", s.card.model.name},
                             {"top1", r.top1(), kPercent},
                             {"top1_err", 100 - r.top1(), kPercent},
                             {"top5", r.top5(), kPercent},
                             {"top5_err", 100 - r.top5(), kPercent},
                             {"param_count", s.parameters},
                             {"img_size", s.card.model.img_size},
                             {"crop_pct", s.card.crop_pct},
                             {"interpolation", name_of(s.card.interpolation)},
                             {"checkpoint", escaped(s.path)},
                             {"weights", s.weights},
                             {"loss", r.loss()},
                             {"ece", calibration_error(r)},
                             {"precision", s.scores.precision},
                             {"recall", s.scores.recall},
                             {"f1", s.scores.f1},
                             {"average", s.average},
                             {"samples", r.samples},
                             {"dataset", escaped(s.dataset)},
                             {"split", s.split},
                             {"crop_mode", name_of(s.card.crop_mode)}};
  if (s.real) {
    out.push_back({"real_top1", s.real->top1(), kPercent});
    out.push_back({"real_top5", s.real->top5(), kPercent});
    out.push_back({"real_samples", s.real->samples});
  }
  return out;
}

/// `decimals` below 0 keeps all.
std::string text_of(const nlohmann::json& value, int decimals) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump();
  const double number = value.get<double>();
  return decimals < 0 ? fmt::format("{}", number) : fmt::format("{:.{}f}", number, decimals);
}

struct Column {
  std::string heading, figure;
  std::size_t width;
  int decimals = 0;
};

std::vector<Column> columns(bool show_average, bool show_real) {
  std::vector<Column> out = {
      {"checkpoint", "checkpoint", 10}, {"weights", "weights", 7},     {"model", "model", 5},
      {"size", "img_size", 4},          {"top1", "top1", 8, kPercent}, {"top5", "top5", 8, kPercent}};
  if (show_real) {
    out.insert(out.end(), {{"real1", "real_top1", 8, kPercent}, {"real5", "real_top5", 8, kPercent}});
  }
  out.insert(out.end(), {{"loss", "loss", 8, 4}, {"ece", "ece", 7, 4}});
  if (show_average) {
    out.insert(out.end(), {{"precision", "precision", 9, 4}, {"recall", "recall", 7, 4}, {"f1", "f1", 7, 4}});
  }
  out.insert(out.end(), {{"images", "samples", 9}, {"img/s", "img/s", 8}});
  return out;
}

nlohmann::json result_json(const ScoredWeights& s) {
  nlohmann::json out;
  for (const Figure& figure : figures_of(s)) out[figure.name] = figure.value;
  const std::vector<Scores> scores = class_scores(s.result);
  for (std::size_t k = 0; k < scores.size(); ++k) {
    out["per_class"].push_back({{"name", escaped(s.card.class_names[k])},
                                {"correct", s.result.class_correct[k]},
                                {"images", s.result.class_samples[k]},
                                {"precision", scores[k].precision},
                                {"recall", scores[k].recall},
                                {"f1", scores[k].f1}});
  }
  return out;
}

}  // namespace

std::string result_table(std::vector<ScoredWeights> scored, bool show_average) {
  std::ranges::stable_sort(scored,
                           [](const auto& a, const auto& b) { return a.result.top1() > b.result.top1(); });
  const bool show_real = std::ranges::any_of(scored, [](const auto& s) { return s.real.has_value(); });
  std::vector<std::string> lines(1 + scored.size());
  for (const Column& column : columns(show_average, show_real)) {
    std::vector<std::string> cells = {column.heading};
    bool words = false;
    for (const ScoredWeights& s : scored) {
      // img/s is added only here, because it changes from run to run.
      std::vector<Figure> figures = figures_of(s);
      figures.push_back({"img/s", static_cast<double>(s.result.samples) / s.result.seconds});
      const auto it = std::ranges::find(figures, column.figure, &Figure::name);
      cells.push_back(it == figures.end() ? "-" : text_of(it->value, column.decimals));
      words = it != figures.end() && it->value.is_string();
    }
    std::size_t width = column.width;
    for (const std::string& cell : cells) width = std::max(width, cell.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!lines[i].empty()) lines[i] += ' ';
      lines[i] += words ? fmt::format("{:<{}}", cells[i], width) : fmt::format("{:>{}}", cells[i], width);
    }
  }
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

std::string class_table(const ScoredWeights& scored) {
  std::string out = fmt::format("{:<32} {:>8} {:>9} {:>9}\n", "class", "top1", "correct", "images");
  for (std::size_t k = 0; k < scored.card.class_names.size(); ++k) {
    const auto all = scored.result.class_samples[k], right = scored.result.class_correct[k];
    out += fmt::format(
        "{:<32} {:>8} {:>9} {:>9}\n", escaped(scored.card.class_names[k]),
        all ? fmt::format("{:.2f}", 100.0 * static_cast<double>(right) / static_cast<double>(all)) : "-",
        right, all);
  }
  return out;
}

nlohmann::json results_json(const std::vector<ScoredWeights>& scored) {
  if (scored.size() == 1) return result_json(scored[0]);
  nlohmann::json all = nlohmann::json::array();
  for (const ScoredWeights& s : scored) all.push_back(result_json(s));
  return all;
}

std::string results_csv(const std::vector<ScoredWeights>& scored) {
  std::string out;
  for (const ScoredWeights& s : scored) {
    std::vector<std::string> names, cells;
    for (const Figure& figure : figures_of(s)) {
      names.push_back(figure.name);
      cells.push_back(csv_field(text_of(figure.value, figure.decimals)));
    }
    if (out.empty()) out = fmt::format("{}\n", fmt::join(names, ","));
    out += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return out;
}

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
  std::string out = "class,images,correct,top1,precision,recall,f1\n";
  const std::vector<Scores> scores = class_scores(result);
  for (std::size_t k = 0; k < scores.size(); ++k) {
    const std::int64_t all = result.class_samples[k], right = result.class_correct[k];
    out += fmt::format("{},{},{},{},{:.6f},{:.6f},{:.6f}\n", csv_field(class_names[k]), all, right,
                       all ? fmt::format("{:.3f}", 100 * scores[k].recall) : "", scores[k].precision,
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

std::string calibration_csv(const EvalResult& result) {
  std::string out = "confidence_above,confidence_to,images,accuracy,mean_confidence\n";
  for (std::size_t b = 0; b < kCalibrationBins; ++b) {
    const CalibrationBin& bin = result.calibration[b];
    const double width = 1.0 / kCalibrationBins, all = static_cast<double>(bin.samples);
    out += fmt::format("{:.4f},{:.4f},{},", width * static_cast<double>(b),
                       width * static_cast<double>(b + 1), bin.samples);
    out += bin.samples ? fmt::format("{:.6f},{:.6f}\n", static_cast<double>(bin.correct) / all,
                                     bin.confidence_sum / all)
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
