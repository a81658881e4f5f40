// SPDX-License-Identifier: MIT
#include "score/result_table.h"

#include <algorithm>

#include "core/text.h"
#include "score/score_report.h"

namespace salu {

namespace {

constexpr int kPercent = 3;  // decimals, as timm has them

struct Figure {
  std::string name;
  nlohmann::json value;
  int decimals = -1;  ///< in CSV; below 0: as many as it has
};

/// What is known of a row, under the names of JSON and CSV: the one list of them.
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

/// Below 0 decimals: as many as it has.
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
  out.insert(out.end(), {{"pictures", "samples", 9}, {"img/s", "img/s", 8}});
  return out;
}

nlohmann::json result_json(const ScoredWeights& s) {
  nlohmann::json out;
  for (const Figure& figure : figures_of(s)) out[figure.name] = figure.value;
  const std::vector<Scores> scores = class_scores(s.result);
  for (std::size_t k = 0; k < scores.size(); ++k) {
    out["per_class"].push_back({{"name", escaped(s.card.class_names[k])},
                                {"correct", s.result.class_correct[k]},
                                {"pictures", s.result.class_samples[k]},
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
      std::vector<Figure> figures = figures_of(s);  // and the only one that changes from run to run
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
  std::string out = fmt::format("{:<32} {:>8} {:>9} {:>9}\n", "class", "top1", "correct", "pictures");
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

}  // namespace salu
