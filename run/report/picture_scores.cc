// SPDX-License-Identifier: MIT
#include "run/report/picture_scores.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace salu {
namespace {

ScoredPicture score_row(const float* row, std::int64_t classes, std::int64_t truth) {
  ScoredPicture out;
  out.truth = static_cast<int>(truth);
  const RowSoftmax softmax = softmax_of(row, classes);
  if (std::isnan(softmax.sum)) {
    out.loss = INFINITY;
    return out;
  }
  out.predicted = static_cast<int>(softmax.best);
  out.loss = softmax.loss(row[truth]);
  out.truth_probability = softmax.probability(row[truth]);
  out.predicted_probability = softmax.probability(row[softmax.best]);
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

void keep_worst(std::vector<ScoredPicture>& worst, std::size_t most, const Batch& batch,
                const Tensor& logits) {
  if (most == 0) return;
  const std::int64_t classes = logits.dim(1);
  for (std::int64_t i = 0; i < logits.dim(0); ++i) {
    ScoredPicture picture =
        score_row(logits.data<float>() + i * classes, classes, batch.labels.data<std::int64_t>()[i]);
    picture.index = batch.indices[static_cast<std::size_t>(i)];
    if (worst.size() == most && !is_worse(picture, worst.back())) continue;
    picture.picture = picture_of(batch.images, i);
    if (worst.size() == most) worst.pop_back();
    worst.insert(std::ranges::upper_bound(worst, picture, is_worse), std::move(picture));
  }
}

PictureScores score_pictures(const Model& model, const DataSplits& data, const TransformOptions& transform,
                             const PictureScoring& options) {
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
  scores.result =
      evaluate(model, loader, {data.mean, data.std}, static_cast<std::int64_t>(scores.class_names.size()),
               options.stop, [&](const Batch& batch, const Tensor& logits) {
                 keep_worst(scores.worst, options.worst, batch, logits);
               });
  for (ScoredPicture& picture : scores.worst) picture.place = data.eval->place(picture.index);
  return scores;
}

}  // namespace salu
