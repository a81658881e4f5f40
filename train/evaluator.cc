// SPDX-License-Identifier: MIT
#include "train/evaluator.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/ops/normalize_images.h"
#include "layers/choices.h"

namespace salu {

EvalMetric eval_metric_of(const std::string& name) {
  static constexpr std::pair<const char*, EvalMetric> kMetrics[] = {
      {"top1", EvalMetric::top1}, {"top5", EvalMetric::top5}, {"loss", EvalMetric::loss}};
  return choice_of("--eval-metric", kMetrics, name);
}

double score_of(const EvalResult& result, EvalMetric metric) {
  return metric == EvalMetric::top1   ? result.top1()
         : metric == EvalMetric::top5 ? result.top5()
                                      : -result.loss();
}

void count_batch(EvalResult& result, const Tensor& logits, const Tensor& labels) {
  const std::int64_t classes = logits.dim(1);
  const float* row = logits.data<float>();
  const std::int64_t* label = labels.data<std::int64_t>();
  result.class_samples.resize(static_cast<std::size_t>(classes));
  result.class_correct.resize(static_cast<std::size_t>(classes));
  for (std::int64_t i = 0; i < logits.dim(0); ++i, row += classes) {
    const std::int64_t truth = label[i];
    const float score = row[truth];
    std::int64_t rank = std::isnan(score) ? classes : 0;
    double largest = -HUGE_VAL, sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) {
      if (!(row[k] < score) && k != truth && (row[k] != score || k < truth)) ++rank;
      largest = std::max(largest, static_cast<double>(row[k]));
    }
    for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(static_cast<double>(row[k]) - largest);
    result.loss_sum += largest + std::log(sum) - static_cast<double>(score);
    result.samples += 1;
    result.correct1 += rank < 1;
    result.correct5 += rank < 5;
    result.class_samples[static_cast<std::size_t>(truth)] += 1;
    result.class_correct[static_cast<std::size_t>(truth)] += rank < 1;
  }
}

EvalResult evaluate(const Model& model, Loader& loader, const std::array<float, 3>& mean,
                    const std::array<float, 3>& std, std::int64_t num_classes) {
  const NoGrad guard;
  const auto start = std::chrono::steady_clock::now();
  EvalResult result;
  result.class_samples.resize(static_cast<std::size_t>(num_classes));
  result.class_correct.resize(static_cast<std::size_t>(num_classes));
  const Device device = model.store().values().device();
  Batch batch;
  loader.start(0);
  while (loader.next(batch)) {
    Context context;
    const Tensor pixels = normalize_images(batch.images.to(device), mean, std, model.store().activations());
    const Variable logits = model.forward(Variable(pixels), context);
    count_batch(result, logits.value().to(Device{}).to(DType::f32), batch.labels);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace salu
