// SPDX-License-Identifier: MIT
#include "score/scores.h"

#include "core/choices.h"

namespace salu {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// How often each class was predicted.
std::vector<std::int64_t> predicted(const EvalResult& result) {
  std::vector<std::int64_t> counts(result.class_samples.size());
  for (const auto& outcome : result.outcomes) counts[static_cast<std::size_t>(outcome.prediction)] += 1;
  return counts;
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

}  // namespace salu
