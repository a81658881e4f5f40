// SPDX-License-Identifier: MIT
#include "apps/evaluate.h"

#include <algorithm>
#include <new>
#include <set>

#include "apps/class_lists.h"
#include "apps/score_report.h"
#include "core/allocator.h"
#include "core/out_of_memory.h"

namespace salu {

namespace {

/// "; 5 of 10 classes compete, 12 pictures of others count as wrong"
std::string competition(const EvalResult& result, const std::vector<std::int64_t>& competing) {
  if (competing.empty()) return "";
  const std::set<std::int64_t> listed(competing.begin(), competing.end());
  std::int64_t others = result.samples;
  for (const std::int64_t k : listed) others -= result.class_samples[static_cast<std::size_t>(k)];
  return fmt::format("; {} of {} classes compete, {} pictures of others count as wrong", listed.size(),
                     result.class_samples.size(), others);
}

/// One pass over the pictures; `real` begins anew.
EvalResult score(const ScoringModel& model, const ScoringData& data, const Scoring& scoring,
                 LoaderOptions options, const RealLabels* labels, std::optional<RealScore>& real) {
  Loader loader(
      data.pictures,
      [transform = model.transform()](Picture& picture, RandomKey) {
        return eval_transform(picture, transform);
      },
      std::move(options));
  if (labels) real = RealScore();
  return evaluate(*model.model, loader, scoring, model.card.model.num_classes, {},
                  [&](const Batch& batch, const Tensor& logits) {
                    if (labels) labels->count(*real, batch, logits);
                  });
}

}  // namespace

EvalResult with_smaller_batches(std::int64_t& batch_size,
                                const std::function<EvalResult(std::int64_t)>& attempt) {
  for (;; batch_size /= 2) {
    try {
      return attempt(batch_size);
    } catch (const OutOfMemory&) {
      if (batch_size == 1) throw;
    } catch (const std::bad_alloc&) {
      if (batch_size == 1) throw;
    }
    release_cached_host();  // libraries have no other way to those blocks
    fmt::print(stderr, "saluevaluate: out of memory with batches of {}: goes on with {}\n", batch_size,
               batch_size / 2);
  }
}

std::vector<ScoredWeights> score_checkpoint(const std::string& path, const EvaluateOptions& options) {
  ScoringModel model = open_scoring_model(path, options.scoring);
  const ScoringData data = open_scoring_data(options.data, model.card, path);
  Scoring scoring = model.scoring(options.scoring);
  if (!options.valid_labels.empty()) scoring.competing = listed_classes(options.valid_labels, model.card);
  std::optional<RealLabels> labels;
  if (!options.real_labels.empty()) {
    labels.emplace(options.real_labels, *data.pictures, model.card.model.num_classes);
  }
  std::int64_t batch_size = options.scoring.batch_size;
  std::vector<ScoredWeights> rows;
  for (const Weights& weights : model.weights) {
    load_weights(*model.model, weights.tensors, shown(path));
    ScoredWeights row;
    const auto attempt = [&](std::int64_t pictures) {
      LoaderOptions loader;
      loader.batch_size = pictures;
      loader.workers = options.workers;
      return score(model, data, scoring, loader, labels ? &*labels : nullptr, row.real);
    };
    row.path = path;
    row.weights = weights.kind;
    row.card = model.card;
    row.parameters = model.model->store().count();
    row.split = data.split;
    row.dataset = data.pictures->name();
    row.result = options.retry ? with_smaller_batches(batch_size, attempt) : attempt(batch_size);
    row.scores = averaged_scores(row.result, options.average);
    row.non_finite = first_non_finite(weights.tensors);
    row.description = model.description() + competition(row.result, scoring.competing);
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
  const bool show_real = std::ranges::any_of(scored, [](const auto& s) { return s.real.has_value(); });
  const std::string reals = show_real ? fmt::format(" {:>8} {:>8}", "real1", "real5") : "";
  std::string out = fmt::format("{:<{}} {:<7} {:<{}} {:>4} {:>8} {:>8}{} {:>8} {:>7}{} {:>9} {:>8}\n",
                                "checkpoint", paths, "weights", "model", models, "size", "top1", "top5",
                                reals, "loss", "ece", averages, "pictures", "img/s");
  for (const ScoredWeights& s : scored) {
    out += fmt::format("{:<{}} {:<7} {:<{}} {:>4} {:>8.3f} {:>8.3f}", s.path, paths, s.weights,
                       s.card.model.name, models, s.card.model.img_size, s.result.top1(), s.result.top5());
    if (s.real) out += fmt::format(" {:>8.3f} {:>8.3f}", s.real->top1(), s.real->top5());
    out += fmt::format(" {:>8.4f} {:>7.4f}", s.result.loss(), calibration_error(s.result));
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
  nlohmann::json out = {{"checkpoint", escaped(s.path)},
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
                        {"crop_mode", name_of(s.card.crop_mode)},
                        {"interpolation", name_of(s.card.interpolation)},
                        {"dataset", escaped(s.dataset)},
                        {"split", s.split},
                        {"per_class", classes}};
  if (s.real) {
    out["real_top1"] = s.real->top1();
    out["real_top5"] = s.real->top5();
    out["real_samples"] = s.real->samples;
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
  std::string out =
      "model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation,"
      "checkpoint,weights,loss,ece,precision,recall,f1,samples,dataset,split,crop_mode";
  const bool real = std::ranges::any_of(scored, [](const auto& s) { return s.real.has_value(); });
  out += real ? ",real_top1,real_top5,real_samples\n" : "\n";
  for (const ScoredWeights& s : scored) {
    out += fmt::format("{},{:.3f},{:.3f},{:.3f},{:.3f},{},{},{},{},", s.card.model.name, s.result.top1(),
                       100 - s.result.top1(), s.result.top5(), 100 - s.result.top5(), s.parameters,
                       s.card.model.img_size, s.card.crop_pct, name_of(s.card.interpolation));
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{}", csv_field(s.path), s.weights, s.result.loss(),
                       calibration_error(s.result), s.scores.precision, s.scores.recall, s.scores.f1,
                       s.result.samples, csv_field(s.dataset), s.split, name_of(s.card.crop_mode));
    if (s.real) out += fmt::format(",{:.3f},{:.3f},{}", s.real->top1(), s.real->top5(), s.real->samples);
    out += '\n';
  }
  return out;
}

}  // namespace salu
