// SPDX-License-Identifier: MIT
#include "score/evaluate.h"

#include <algorithm>
#include <new>
#include <set>

#include "core/allocator.h"
#include "core/out_of_memory.h"
#include "score/class_lists.h"

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
  std::set<std::string> said;  // each weights find the same bad pictures
  for (const Weights& weights : model.weights) {
    load_weights(*model.model, weights.tensors, shown(path));
    ScoredWeights row;
    const auto attempt = [&](std::int64_t pictures) {
      LoaderOptions loader;
      loader.batch_size = pictures;
      loader.workers = options.workers;
      loader.bad_images = data.bad_images;
      loader.max_bad_percent = data.max_bad_percent;
      loader.report = [&](const std::string& line) {
        if (said.insert(line).second) fmt::print(stderr, "{}\n", line);
      };
      return score(model, data, scoring, loader, labels ? &*labels : nullptr, row.real);
    };
    row.path = path;
    row.weights = weights.kind;
    row.card = model.card;
    row.parameters = model.model->store().count();
    row.split = data.split;
    row.dataset = data.pictures->name();
    row.result = options.retry ? with_smaller_batches(batch_size, attempt) : attempt(batch_size);
    const Average average = options.average.value_or(Average::macro);
    row.scores = averaged_scores(row.result, average);
    row.average = name_of(average);
    row.non_finite = first_non_finite(weights.tensors);
    row.description = model.description() + competition(row.result, scoring.competing);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace salu
