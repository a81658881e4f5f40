// SPDX-License-Identifier: MIT
/// The part of the report about single images: scores that keep the images where the network is most wrong,
/// the confusion matrix, the classes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/loader.h"
#include "data/transform.h"
#include "run/report/markup.h"
#include "train/evaluator.h"

namespace salu {

struct ScoredImage {
  std::int64_t index = 0;  ///< in the evaluation set
  std::string place;       ///< Dataset::place()
  int truth = 0, predicted = 0;
  double loss = 0;  ///< infinite when a logit is NaN
  double truth_probability = 0, predicted_probability = 0;
  Image image;  ///< as the network saw it
};

struct ImageScores {
  EvalResult result;
  std::vector<std::string> class_names;
  std::vector<ScoredImage> worst;  ///< the highest loss first; equals in the order of the set
};

struct ImageScoring {
  std::int64_t batch_size = 256;
  int workers = 2;
  std::size_t worst = 24;  ///< images to keep
  BadImages bad_images = BadImages::stop;
  double max_bad_percent = kMaxBadPercent;
  std::function<void(const std::string&)> report;  ///< as LoaderOptions
  std::function<bool()> stop;  ///< asked before every batch: true ends the scoring; may be empty
};

/// Scores the evaluation set of `data`, whose mean and std are those that the network is fed with.
ImageScores score_images(const Model& model, const DataSplits& data, const TransformOptions& transform,
                         const ImageScoring& options);

/// Adds the images of a batch, without their places, that are among the `most` worst so far.
void keep_worst(std::vector<ScoredImage>& worst, std::size_t most, const Batch& batch, const Tensor& logits);

/// Writes the sections of the page: confusion matrix, worst images, classes.
void write_image_scores(Markup& page, const ImageScores& scores);

/// The confusion matrix as an SVG file: the stronger the colour of a cell, the larger its share of the row.
/// It shows names up to 60 classes, and counts up to 20.
std::string confusion_svg(const EvalResult& result, const std::vector<std::string>& class_names,
                          const std::string& title);

}  // namespace salu
