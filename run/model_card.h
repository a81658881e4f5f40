// SPDX-License-Identifier: MIT
/// config.json: architecture, preprocessing and classes of a network. The file is untrusted, so every value
/// is checked.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/decode.h"
#include "data/resize.h"
#include "data/transform.h"
#include "models/model.h"

namespace salu {

/// Facts with which `saluevaluate` scores the weights as training did.
struct ModelCard {
  ModelConfig model;
  std::vector<std::string> class_names;
  std::string dataset;           ///< --dataset of the training
  std::uint64_t data_seed = 42;  ///< determines generated images and held-out samples
  std::int64_t val_from_train = 0;
  std::array<float, 3> mean{}, std{};
  double crop_pct = 1;
  EvalCrop crop_mode = EvalCrop::center;
  Interpolation interpolation = Interpolation::bicubic;
  ExifOrientation exif = ExifOrientation::ignore;
  std::optional<std::int64_t> test_img_size;  ///< size and crop that score best, if the file names them
  std::optional<double> test_crop_pct;
};

/// config.json: timm's keys and one object `salu`.
nlohmann::json card_to_json(const ModelCard& card);
/// Reads config.json of salutrain or of timm (run/interchange/pytorch.h). Throws ErrorCode::checkpoint naming
/// `file` and the field that is missing or has the wrong type.
ModelCard card_from_json(const nlohmann::json& json, const std::string& file);

/// Throws ErrorCode::checkpoint when crop, dropout, mean, deviation or the number of class names is invalid.
void check_card(const ModelCard& card, const std::string& file);

inline constexpr std::int64_t kMostWhole = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kMostClasses = 1'000'000;

/// `value` as an integer. Throws ErrorCode::checkpoint, naming `file` and `name`, unless it is one in low ..
/// high.
std::int64_t checked_whole(const nlohmann::json& value, const char* name, std::int64_t low, std::int64_t high,
                           const std::string& file);

/// [3, S, S] -> S. Throws ErrorCode::checkpoint for anything else.
std::int64_t image_side(const nlohmann::json& size, const std::string& file);

/// `text` if it is valid UTF-8, which JSON requires, else escaped(text). Distinct bytes give distinct texts.
std::string utf8_or_escaped(const std::string& text);

}  // namespace salu
