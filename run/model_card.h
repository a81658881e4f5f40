// SPDX-License-Identifier: MIT
/// config.json: what a network is and how it was scored in training. It may come from anywhere, so every
/// value is checked.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/eval_crop.h"
#include "data/resize.h"
#include "models/model.h"

namespace salu {

/// The facts by which `saluevaluate` scores the weights as they were scored in training.
struct ModelCard {
  ModelConfig model;
  std::vector<std::string> class_names;
  std::string dataset;           ///< --dataset it was trained on
  std::uint64_t data_seed = 42;  ///< decides the built-in images and the held-out ones
  std::int64_t val_from_train = 0;
  std::array<float, 3> mean{}, std{};
  double crop_pct = 1;
  EvalCrop crop_mode = EvalCrop::center;
  Interpolation interpolation = Interpolation::bicubic;
  std::optional<std::int64_t> test_img_size;  ///< size and crop that score best, where a file names them
  std::optional<double> test_crop_pct;
};

/// config.json: timm's keys plus one object `salu`.
nlohmann::json card_to_json(const ModelCard& card);
/// Reads config.json of salutrain, and of timm (run/interchange/interop.h). Throws ErrorCode::checkpoint
/// naming the field that is missing or of the wrong type; `file` is named in the message.
ModelCard card_from_json(const nlohmann::json& json, const std::string& file);

/// Throws ErrorCode::checkpoint for a crop, dropout, mean, deviation or number of class names that no model
/// has.
void check_card(const ModelCard& card, const std::string& file);

inline constexpr std::int64_t kMostWhole = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kMostClasses = 1'000'000;

/// `value` as a whole number. Throws ErrorCode::checkpoint, naming `file` and `name`, when it is something
/// else or not in low .. high.
std::int64_t checked_whole(const nlohmann::json& value, const char* name, std::int64_t low, std::int64_t high,
                           const std::string& file);

/// [3, S, S] -> S. Throws ErrorCode::checkpoint for anything else.
std::int64_t image_side(const nlohmann::json& size, const std::string& file);

/// `text` when it is UTF-8, else escaped(text): JSON can hold it, and other bytes give another text.
std::string utf8_or_escaped(const std::string& text);

}  // namespace salu
