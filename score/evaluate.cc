// SPDX-License-Identifier: MIT
#include "score/evaluate.h"

#include <algorithm>
#include <new>
#include <set>

#include "core/allocator.h"
#include "core/choices.h"
#include "core/out_of_memory.h"
#include "data/listing.h"

namespace salu {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// Number of predictions of each class.
std::vector<std::int64_t> predicted(const EvalResult& result) {
  std::vector<std::int64_t> counts(result.class_samples.size());
  for (const auto& outcome : result.outcomes) counts[static_cast<std::size_t>(outcome.prediction)] += 1;
  return counts;
}

/// "; 5 of 10 classes compete, 12 images of others count as wrong"
std::string competition(const EvalResult& result, const std::vector<std::int64_t>& competing) {
  if (competing.empty()) return "";
  const std::set<std::int64_t> listed(competing.begin(), competing.end());
  std::int64_t others = result.samples;
  for (const std::int64_t k : listed) others -= result.class_samples[static_cast<std::size_t>(k)];
  return fmt::format("; {} of {} classes compete, {} images of others count as wrong", listed.size(),
                     result.class_samples.size(), others);
}

/// "; no images of 2 of 10 classes: cat, dog"
std::string missing_classes(const EvalResult& result, const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (result.class_samples[c] == 0) missing.push_back(names[c]);
  }
  if (missing.empty()) return "";
  return fmt::format("; no images of {} of {} classes: {}", missing.size(), names.size(),
                     escaped(first_names(missing)));
}

/// One pass over the images; resets `real`.
EvalResult score(const ScoringModel& model, const ScoringData& data, const Scoring& scoring,
                 LoaderOptions options, const RealLabels* labels, std::optional<RealScore>& real) {
  Loader loader(
      data.images,
      [transform = model.transform()](ImageSource& source, RandomKey) {
        return eval_transform(source, transform);
      },
      std::move(options));
  if (labels) real = RealScore();
  return evaluate(*model.model, loader, scoring, model.card.model.num_classes, {},
                  [&](const Batch& batch, const Tensor& logits) {
                    if (labels) labels->count(*real, batch, logits);
                  });
}

}  // namespace

const char* name_of(Average average) { return choice_name(kAverages, average); }

std::vector<Scores> class_scores(const EvalResult& result) {
  const std::vector<std::int64_t> times = predicted(result);
  std::vector<Scores> out;
  for (std::size_t k = 0; k < times.size(); ++k) {
    const std::int64_t right = result.class_correct[k], all = result.class_samples[k];
    // F1 = 2 P R / (P + R), without the division by zero.
    out.push_back({ratio(right, times[k]), ratio(right, all), ratio(2 * right, times[k] + all)});
  }
  return out;
}

Scores averaged_scores(const EvalResult& result, Average average) {
  if (average == Average::micro) {
    const double accuracy = ratio(result.correct1, result.samples);
    return {accuracy, accuracy, accuracy};
  }
  const std::vector<std::int64_t> times = predicted(result);
  const std::vector<Scores> classes = class_scores(result);
  Scores mean;
  double total = 0;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    const std::int64_t all = result.class_samples[k];
    const double weight =
        average == Average::weighted ? static_cast<double>(all) : (all + times[k] > 0 ? 1 : 0);
    mean.precision += weight * classes[k].precision;
    mean.recall += weight * classes[k].recall;
    mean.f1 += weight * classes[k].f1;
    total += weight;
  }
  if (total == 0) return {};
  return {mean.precision / total, mean.recall / total, mean.f1 / total};
}

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
    release_cached_host();  // libraries allocate from the system, not from the cache
    tell(fmt::format("saluevaluate: out of memory with batches of {}: goes on with {}", batch_size,
                     batch_size / 2));
  }
}

std::vector<ScoredWeights> score_checkpoint(const std::string& path, const EvaluateOptions& options) {
  ScoringModel model = open_scoring_model(path, options.scoring);
  const ScoringData data = open_scoring_data(options.data, model.card, path);
  Scoring scoring = model.scoring(options.scoring);
  if (!options.valid_labels.empty()) scoring.competing = listed_classes(options.valid_labels, model.card);
  std::optional<RealLabels> labels;
  if (!options.real_labels.empty()) {
    labels.emplace(options.real_labels, *data.images, model.card.model.num_classes);
  }
  std::int64_t batch_size = options.scoring.batch_size;
  std::vector<ScoredWeights> rows;
  std::set<std::string> said;  // avoids repeating messages: each set of weights finds the same bad images
  for (const Weights& weights : model.weights) {
    load_weights(*model.model, weights.tensors, shown(path));
    ScoredWeights row;
    const auto attempt = [&](std::int64_t images) {
      LoaderOptions loader;
      loader.batch_size = images;
      loader.workers = options.workers;
      loader.bad_images = data.bad_images;
      loader.max_bad_percent = data.max_bad_percent;
      loader.report = [&](const std::string& line) {
        if (said.insert(line).second) tell(escaped(line));
      };
      return score(model, data, scoring, loader, labels ? &*labels : nullptr, row.real);
    };
    row.path = path;
    row.weights = weights.kind;
    row.card = model.card;
    row.parameters = model.model->store().count();
    row.split = data.split;
    row.dataset = data.images->name();
    row.result = options.retry ? with_smaller_batches(batch_size, attempt) : attempt(batch_size);
    const Average average = options.average.value_or(Average::macro);
    row.scores = averaged_scores(row.result, average);
    row.average = name_of(average);
    row.non_finite = first_non_finite(weights.tensors);
    row.description = model.description() + competition(row.result, scoring.competing) +
                      missing_classes(row.result, model.card.class_names);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace salu
