// SPDX-License-Identifier: MIT
#include "apps/evaluate.h"

#include <algorithm>

#include "apps/score_report.h"

namespace salu {

std::vector<ScoredWeights> score_checkpoint(const std::string& path, const EvaluateOptions& options) {
  ScoringModel model = open_scoring_model(path, options.scoring);
  const ScoringData data = open_scoring_data(options.data, model.card, path);
  LoaderOptions loader_options;
  loader_options.batch_size = options.scoring.batch_size;
  loader_options.workers = options.workers;
  Loader loader(
      data.pictures,
      [transform = model.transform()](Picture& picture, RandomKey) {
        return eval_transform(picture, transform);
      },
      loader_options);
  std::vector<ScoredWeights> rows;
  for (const Weights& weights : model.weights) {
    load_weights(*model.model, weights.tensors, shown(path));
    ScoredWeights row;
    row.path = path;
    row.weights = weights.kind;
    row.card = model.card;
    row.parameters = model.model->store().count();
    row.split = data.split;
    row.dataset = data.pictures->name();
    row.result = evaluate(*model.model, loader, model.scoring(options.scoring), model.card.model.num_classes);
    row.scores = averaged_scores(row.result, options.average);
    row.non_finite = first_non_finite(weights.tensors);
    row.description = model.description();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string result_table(std::vector<ScoredWeights> scored, bool show_average) {
  std::ranges::stable_sort(scored,
                           [](const auto& a, const auto& b) { return a.result.top1() > b.result.top1(); });
  std::size_t paths = 10, models = 5;
  for (const ScoredWeights& s : scored) {
    paths = std::max(paths, s.path.size());
    models = std::max(models, s.card.model.name.size());
  }
  const std::string averages =
      show_average ? fmt::format(" {:>9} {:>7} {:>7}", "precision", "recall", "f1") : "";
  std::string out = fmt::format("{:<{}} {:<7} {:<{}} {:>4} {:>8} {:>8} {:>8} {:>7}{} {:>9} {:>8}\n",
                                "checkpoint", paths, "weights", "model", models, "size", "top1", "top5",
                                "loss", "ece", averages, "pictures", "img/s");
  for (const ScoredWeights& s : scored) {
    out += fmt::format("{:<{}} {:<7} {:<{}} {:>4} {:>8.3f} {:>8.3f} {:>8.4f} {:>7.4f}", s.path, paths,
                       s.weights, s.card.model.name, models, s.card.model.img_size, s.result.top1(),
                       s.result.top5(), s.result.loss(), calibration_error(s.result));
    if (show_average) {
      out += fmt::format(" {:>9.4f} {:>7.4f} {:>7.4f}", s.scores.precision, s.scores.recall, s.scores.f1);
    }
    out += fmt::format(" {:>9} {:>8.0f}\n", s.result.samples,
                       static_cast<double>(s.result.samples) / s.result.seconds);
  }
  return out;
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

nlohmann::json result_json(const ScoredWeights& s) {
  nlohmann::json classes = nlohmann::json::array();
  const std::vector<Scores> scores = class_scores(s.result);
  for (std::size_t k = 0; k < scores.size(); ++k) {
    classes.push_back({{"name", escaped(s.card.class_names[k])},
                       {"correct", s.result.class_correct[k]},
                       {"pictures", s.result.class_samples[k]},
                       {"precision", scores[k].precision},
                       {"recall", scores[k].recall},
                       {"f1", scores[k].f1}});
  }
  return {{"checkpoint", escaped(s.path)},
          {"weights", s.weights},
          {"model", s.card.model.name},
          {"top1", s.result.top1()},
          {"top1_err", 100 - s.result.top1()},
          {"top5", s.result.top5()},
          {"top5_err", 100 - s.result.top5()},
          {"loss", s.result.loss()},
          {"ece", calibration_error(s.result)},
          {"precision", s.scores.precision},
          {"recall", s.scores.recall},
          {"f1", s.scores.f1},
          {"samples", s.result.samples},
          {"param_count", s.parameters},
          {"img_size", s.card.model.img_size},
          {"crop_pct", s.card.crop_pct},
          {"interpolation", name_of(s.card.interpolation)},
          {"dataset", escaped(s.dataset)},
          {"split", s.split},
          {"per_class", classes}};
}

nlohmann::json results_json(const std::vector<ScoredWeights>& scored) {
  if (scored.size() == 1) return result_json(scored[0]);
  nlohmann::json all = nlohmann::json::array();
  for (const ScoredWeights& s : scored) all.push_back(result_json(s));
  return all;
}

std::string results_csv(const std::vector<ScoredWeights>& scored) {
  std::string out =
      "model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation,"
      "checkpoint,weights,loss,ece,precision,recall,f1,samples,dataset,split\n";
  for (const ScoredWeights& s : scored) {
    out += fmt::format("{},{:.3f},{:.3f},{:.3f},{:.3f},{},{},{},{},", s.card.model.name, s.result.top1(),
                       100 - s.result.top1(), s.result.top5(), 100 - s.result.top5(), s.parameters,
                       s.card.model.img_size, s.card.crop_pct, name_of(s.card.interpolation));
    out += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", csv_field(s.path), s.weights, s.result.loss(),
                       calibration_error(s.result), s.scores.precision, s.scores.recall, s.scores.f1,
                       s.result.samples, csv_field(s.dataset), s.split);
  }
  return out;
}

}  // namespace salu
