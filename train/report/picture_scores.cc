// SPDX-License-Identifier: MIT
#include "train/report/picture_scores.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/ops/normalize_images.h"

namespace salu {
namespace {

/// Loss and probabilities of one row of logits.
ScoredPicture score_row(const float* row, std::int64_t classes, int truth) {
  ScoredPicture out;
  out.truth = truth;
  if (std::any_of(row, row + classes, [](float v) { return std::isnan(v); })) {
    out.loss = INFINITY;
    return out;
  }
  out.predicted = static_cast<int>(std::max_element(row, row + classes) - row);
  const double largest = row[out.predicted];
  double sum = 0;
  for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(static_cast<double>(row[k]) - largest);
  const double below = static_cast<double>(row[truth]) - largest;
  out.loss = std::log(sum) - below;
  out.truth_probability = std::exp(below) / sum;
  out.predicted_probability = 1 / sum;
  return out;
}

Image picture_of(const Tensor& images, std::int64_t i) {
  Image picture(static_cast<int>(images.dim(1)), static_cast<int>(images.dim(2)));
  const std::size_t bytes = picture.pixels.size();
  std::memcpy(picture.pixels.data(), images.data<std::uint8_t>() + static_cast<std::size_t>(i) * bytes,
              bytes);
  return picture;
}

bool is_worse(const ScoredPicture& a, const ScoredPicture& b) {
  return a.loss != b.loss ? a.loss > b.loss : a.index < b.index;
}

}  // namespace

void keep_pictures(PictureScores& scores, const Tensor& logits, const Batch& batch, std::size_t worst) {
  const std::int64_t classes = logits.dim(1);
  for (std::int64_t i = 0; i < logits.dim(0); ++i) {
    const auto truth = static_cast<int>(batch.labels.data<std::int64_t>()[i]);
    ScoredPicture picture = score_row(logits.data<float>() + i * classes, classes, truth);
    if (std::isfinite(picture.loss)) ++scores.confusion[{truth, picture.predicted}];
    picture.index = batch.indices[static_cast<std::size_t>(i)];
    if (scores.worst.size() == worst && (worst == 0 || !is_worse(picture, scores.worst.back()))) continue;
    picture.picture = picture_of(batch.images, i);
    if (scores.worst.size() == worst) scores.worst.pop_back();
    scores.worst.insert(std::ranges::upper_bound(scores.worst, picture, is_worse), std::move(picture));
  }
}

PictureScores score_pictures(const Model& model, const DataSplits& data, const TransformOptions& transform,
                             const PictureScoring& options) {
  const NoGrad guard;
  const auto start = std::chrono::steady_clock::now();
  PictureScores scores;
  scores.class_names = data.eval->class_names();
  LoaderOptions loader_options;
  loader_options.batch_size = options.batch_size;
  loader_options.workers = options.workers;
  loader_options.bad_images = options.bad_images;
  loader_options.max_bad_percent = options.max_bad_percent;
  loader_options.report = options.report;
  Loader loader(
      data.eval, [transform](Picture& picture, RandomKey) { return eval_transform(picture, transform); },
      loader_options);
  Batch batch;
  loader.start(0);
  while (!(options.stop && options.stop()) && loader.next(batch)) {
    Context context;
    const Tensor pixels = normalize_images(batch.images.to(model.store().values().device()), data.mean,
                                           data.std, model.store().activations());
    const Tensor logits = model.forward(Variable(pixels), context).value().to(Device{}).to(DType::f32);
    count_batch(scores.result, logits, batch.labels);
    keep_pictures(scores, logits, batch, options.worst);
  }
  for (ScoredPicture& picture : scores.worst) picture.place = data.eval->place(picture.index);
  scores.result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return scores;
}

}  // namespace salu
