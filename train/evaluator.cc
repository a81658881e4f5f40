// SPDX-License-Identifier: MIT
#include "train/evaluator.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/ops/batch_inputs.h"

namespace salu {

double score_of(const EvalResult& result, EvalMetric metric) {
  return metric == EvalMetric::top1   ? result.top1()
         : metric == EvalMetric::top5 ? result.top5()
                                      : -result.loss();
}

Tensor mirrored_images(const Tensor& images) {
  check(images.shape().rank() == 4 && images.dim(3) == 3, "[mirror] expected images (N,H,W,3), got {}",
        images.shape().str());
  Tensor out = Tensor::empty(images.shape(), DType::u8);
  const std::int64_t width = images.dim(2);
  const std::uint8_t* from = images.data<std::uint8_t>();
  std::uint8_t* to = out.data<std::uint8_t>();
  for (std::int64_t row = 0; row < images.dim(0) * images.dim(1); ++row, from += 3 * width, to += 3 * width) {
    for (std::int64_t x = 0; x < width; ++x) std::copy_n(from + 3 * (width - 1 - x), 3, to + 3 * x);
  }
  return out;
}

namespace {

/// Counts a prediction for confusions and calibration; `confidence` is its probability.
void count_prediction(EvalResult& result, std::int64_t truth, std::int64_t predicted, double confidence) {
  result.outcomes.push_back({static_cast<std::int32_t>(truth), static_cast<std::int32_t>(predicted)});
  // A bin includes its upper edge, so 1 belongs to the last one.
  const auto above = static_cast<std::size_t>(std::ceil(confidence * kCalibrationBins));
  CalibrationBin& bin = result.calibration[std::clamp<std::size_t>(above, 1, kCalibrationBins) - 1];
  bin.samples += 1;
  bin.correct += predicted == truth;
  bin.confidence_sum += confidence;
}

void silence_others(Tensor& logits, const std::vector<std::int64_t>& competing) {
  const std::int64_t classes = logits.dim(1);
  std::vector<char> competes(static_cast<std::size_t>(classes));
  for (const std::int64_t k : competing) competes[static_cast<std::size_t>(k)] = 1;
  float* row = logits.data<float>();
  for (std::int64_t i = 0; i < logits.dim(0); ++i, row += classes) {
    for (std::int64_t k = 0; k < classes; ++k) {
      if (!competes[static_cast<std::size_t>(k)]) row[k] = -std::numeric_limits<float>::infinity();
    }
  }
}

}  // namespace

std::int64_t rank_of(const float* row, std::int64_t classes, std::int64_t label) {
  const float score = row[label];
  if (!(score > -std::numeric_limits<float>::infinity())) return kNeverPredicted;
  std::int64_t rank = 0;
  for (std::int64_t k = 0; k < classes; ++k) {
    if (!(row[k] < score) && k != label && (row[k] != score || k < label)) ++rank;
  }
  return rank;
}

double RowSoftmax::probability(float logit) const {
  return std::exp(static_cast<double>(logit) - largest) / sum;
}

double RowSoftmax::loss(float logit) const { return largest + std::log(sum) - static_cast<double>(logit); }

RowSoftmax softmax_of(const float* row, std::int64_t classes) {
  RowSoftmax out;
  out.best = std::max_element(row, row + classes) - row;
  out.largest = static_cast<double>(row[out.best]);
  for (std::int64_t k = 0; k < classes; ++k) out.sum += std::exp(static_cast<double>(row[k]) - out.largest);
  return out;
}

void count_batch(EvalResult& result, const Tensor& logits, const Tensor& labels) {
  const std::int64_t classes = logits.dim(1);
  const float* row = logits.data<float>();
  const std::int64_t* label = labels.data<std::int64_t>();
  result.class_samples.resize(static_cast<std::size_t>(classes));
  result.class_correct.resize(static_cast<std::size_t>(classes));
  for (std::int64_t i = 0; i < logits.dim(0); ++i, row += classes) {
    const std::int64_t truth = label[i];
    const std::int64_t rank = rank_of(row, classes, truth);
    const RowSoftmax softmax = softmax_of(row, classes);
    result.loss_sum += softmax.loss(row[truth]);
    result.samples += 1;
    result.correct1 += rank < 1;
    result.correct5 += rank < 5;
    result.class_samples[static_cast<std::size_t>(truth)] += 1;
    result.class_correct[static_cast<std::size_t>(truth)] += rank < 1;
    if (!std::isnan(softmax.sum)) count_prediction(result, truth, softmax.best, 1 / softmax.sum);
  }
}

std::vector<std::int64_t> confusion_matrix(const EvalResult& result) {
  const std::size_t classes = result.class_samples.size();
  std::vector<std::int64_t> counts(classes * classes);
  for (const auto& [truth, prediction] : result.outcomes) {
    counts[static_cast<std::size_t>(truth) * classes + static_cast<std::size_t>(prediction)] += 1;
  }
  return counts;
}

double calibration_error(const EvalResult& result) {
  double distance = 0, samples = 0;
  for (const CalibrationBin& bin : result.calibration) {
    distance += std::abs(static_cast<double>(bin.correct) - bin.confidence_sum);
    samples += static_cast<double>(bin.samples);
  }
  return samples > 0 ? distance / samples : 0;
}

Tensor predict(const Model& model, const Tensor& images, const Scoring& scoring) {
  const NoGrad guard;
  const ParameterStore& store = model.store();
  const Device device = store.values().device();
  const auto logits = [&](const Tensor& batch) {
    Context context;
    const Tensor pixels = normalize_images(batch.to(device), scoring.mean, scoring.std, store.activations());
    return model.forward(Variable(pixels), context).value().to(Device{}).to(DType::f32);
  };
  Tensor out = logits(images);
  if (scoring.mirror) {
    const Tensor other = logits(mirrored_images(images));
    float* mean = out.data<float>();
    for (std::int64_t i = 0; i < out.numel(); ++i) mean[i] = 0.5f * (mean[i] + other.data<float>()[i]);
  }
  if (!scoring.competing.empty()) silence_others(out, scoring.competing);
  return out;
}

EvalResult evaluate(const Model& model, Loader& loader, const Scoring& scoring, std::int64_t num_classes,
                    const std::function<bool()>& stop,
                    const std::function<void(const Batch&, const Tensor&)>& seen) {
  const auto start = std::chrono::steady_clock::now();
  const auto classes = static_cast<std::size_t>(num_classes);
  EvalResult result;
  result.class_samples.resize(classes);
  result.class_correct.resize(classes);
  Batch batch;
  loader.start(0);
  while (!(stop && stop()) && loader.next(batch)) {
    const Tensor logits = predict(model, batch.images, scoring);
    count_batch(result, logits, batch.labels);
    if (seen) seen(batch, logits);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace salu
