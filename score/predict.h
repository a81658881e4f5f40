// SPDX-License-Identifier: MIT
/// `saluevaluate predict CHECKPOINT IMAGE…`
#pragma once

#include <string>
#include <vector>

#include "score/scoring.h"

namespace salu {

struct PredictOptions {
  std::string checkpoint;
  std::vector<std::string> images;
  ScoringOptions scoring;
  std::int64_t max_image_pixels = DecodeOptions{}.max_pixels;
  std::int64_t topk = 5;
  std::string output_type = "prob";          ///< "prob" or "logit"
  std::string label_type = "name";           ///< class label in text output: "index", "name" or "description"
  std::filesystem::path class_descriptions;  ///< file for class_descriptions()
  bool json = false;
};

struct Prediction {
  struct Class {
    std::int64_t index = 0;
    std::string name;         ///< class name; the index as text if the checkpoint has no names
    std::string description;  ///< "" unless requested
    double value = 0;         ///< probability or logit
  };
  std::string image;
  std::vector<Class> top;  ///< best first, min(topk, classes)
};

/// Uses the averaged weights if the checkpoint has them and --use-ema is given.
std::vector<Prediction> predict_images(const PredictOptions& options);

std::string prediction_text(const std::vector<Prediction>& predictions, const std::string& label_type);
/// An array with an object per image.
nlohmann::json prediction_json(const std::vector<Prediction>& predictions, const std::string& output_type);

}  // namespace salu
