// SPDX-License-Identifier: MIT
/// Scoring: every image exactly once, integers counted, divided once.
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "data/loader.h"
#include "models/model.h"

namespace salu {

/// Images whose largest probability lies in one fifteenth of (0, 1].
struct CalibrationBin {
  std::int64_t samples = 0, correct = 0;
  double confidence_sum = 0;
};
inline constexpr std::size_t kCalibrationBins = 15;

/// 100 n / whole; 0 when whole is 0.
inline double percent(std::int64_t n, std::int64_t whole) {
  return whole ? 100.0 * static_cast<double>(n) / static_cast<double>(whole) : 0;
}

struct EvalResult {
  std::int64_t samples = 0, correct1 = 0, correct5 = 0;
  double loss_sum = 0;  ///< cross-entropy without label smoothing
  std::vector<std::int64_t> class_samples, class_correct;
  // Excludes images with a NaN logit:
  struct Outcome {
    std::int32_t truth, prediction;
  };
  std::vector<Outcome> outcomes;  ///< one per image; a matrix of 20,000 classes would take gigabytes
  std::array<CalibrationBin, kCalibrationBins> calibration;
  double seconds = 0;

  double top1() const { return percent(correct1, samples); }
  double top5() const { return percent(correct5, samples); }
  double loss() const { return samples ? loss_sum / static_cast<double>(samples) : 0; }
};

/// The metric by which results are compared.
enum class EvalMetric { top1, top5, loss };
inline constexpr std::pair<const char*, EvalMetric> kEvalMetrics[] = {
    {"top1", EvalMetric::top1}, {"top5", EvalMetric::top5}, {"loss", EvalMetric::loss}};
/// Higher is better: the accuracy in percent, or the negative loss.
double score_of(const EvalResult& result, EvalMetric metric);

/// Counts of images by (truth, prediction), row-major.
std::vector<std::int64_t> confusion_matrix(const EvalResult& result);

/// Expected calibration error (Guo et al. 2017): mean |accuracy - confidence| over the bins, weighted by
/// their number of images; 0 to 1.
double calibration_error(const EvalResult& result);

/// The softmax of a row of logits, in double.
struct RowSoftmax {
  std::int64_t best = 0;        ///< the largest logit; of equals the first
  double largest = 0, sum = 0;  ///< sum: of exp(logit - largest); NaN when a logit is NaN or +infinity
  double probability(float logit) const;
  double loss(float logit) const;  ///< negative log-probability of `logit`
};
RowSoftmax softmax_of(const float* row, std::int64_t classes);

/// Number of classes that rank above `label` in a row of logits: higher score, or equal score and smaller
/// index. kNeverPredicted when the label's score is NaN or minus infinity.
std::int64_t rank_of(const float* row, std::int64_t classes, std::int64_t label);
inline constexpr std::int64_t kNeverPredicted = std::numeric_limits<std::int64_t>::max();

/// Adds one batch. Top-k is right when rank_of() the label is less than k.
void count_batch(EvalResult& result, const Tensor& logits, const Tensor& labels);

/// u8 (N,H,W,3), each image mirrored left to right.
Tensor mirrored_images(const Tensor& images);

/// Options for turning images into logits.
struct Scoring {
  std::array<float, 3> mean{}, std{};
  bool mirror = false;                  ///< mean of the logits of an image and its mirror image
  std::vector<std::int64_t> competing;  ///< all other classes get minus infinity; empty: no restriction
};

/// u8 (N,H,W,3) -> (N, classes), without recording a graph.
Tensor predict(const Model& model, const Tensor& images, const Scoring& scoring);

/// The loader must not drop the last batch. Returns early, with the results so far, when `stop` returns true.
/// `seen` gets every batch and its logits.
EvalResult evaluate(const Model& model, Loader& loader, const Scoring& scoring, std::int64_t num_classes,
                    const std::function<bool()>& stop = {},
                    const std::function<void(const Batch&, const Tensor&)>& seen = {});

}  // namespace salu
