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
  std::int64_t index = 0;  ///< index in the evaluation set
  std::string place;       ///< Dataset::place()
  int truth = 0, predicted = 0;
  double loss = 0;  ///< infinite when a logit is NaN
  double truth_probability = 0, predicted_probability = 0;
  Image image;  ///< as fed to the network
};

struct ImageScores {
  EvalResult result;
  std::vector<std::string> class_names;
  std::vector<ScoredImage> worst;  ///< highest loss first; ties in the order of the set
};

struct ImageScoring {
  std::int64_t batch_size = 256;
  int workers = 2;
  std::size_t worst = 24;  ///< number of worst images to keep
  BadImages bad_images = BadImages::stop;
  double max_bad_percent = kMaxBadPercent;
  std::function<void(const std::string&)> report;  ///< as LoaderOptions::report
  std::function<bool()> stop;  ///< polled before every batch: true ends the scoring; may be empty
};

/// Scores the evaluation set of `data`, whose mean and std normalize the network's input.
ImageScores score_images(const Model& model, const DataSplits& data, const TransformOptions& transform,
                         const ImageScoring& options);

/// Adds the images of a batch that are among the `most` worst so far, without their places.
void keep_worst(std::vector<ScoredImage>& worst, std::size_t most, const Batch& batch, const Tensor& logits);

/// Writes the sections of the page: confusion matrix, worst images, classes.
void write_image_scores(Markup& page, const ImageScores& scores);

/// The confusion matrix as an SVG file. The stronger a cell's colour, the larger its share of the row. Shows
/// names up to 60 classes and counts up to 20.
std::string confusion_svg(const EvalResult& result, const std::vector<std::string>& class_names,
                          const std::string& title);

}  // namespace salu
