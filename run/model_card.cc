// SPDX-License-Identifier: MIT
#include "run/model_card.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace salu {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

template <class T>
void put(json& j, const char* key, const std::optional<T>& value) {
  if (value) j[key] = *value;
}

template <class T>
void get(const json& j, const char* key, std::optional<T>& value) {
  if (j.contains(key)) value = j.at(key).get<T>();
}

json model_to_json(const ModelConfig& m) {
  json j{{"name", m.name}, {"drop_path", m.drop_path}, {"drop", m.drop}, {"seed", m.seed}};
  put(j, "norm", m.norm), put(j, "act", m.act), put(j, "positive", m.positive);
  put(j, "weight_init", m.weight_init), put(j, "head_init", m.head_init), put(j, "stem", m.stem);
  put(j, "stabilizer_a", m.stabilizer_a), put(j, "stabilizer_b", m.stabilizer_b);
  put(j, "gate_a", m.gate_a), put(j, "gate_b", m.gate_b);
  return j;
}

ModelConfig model_from_json(const json& j, const std::string& file) {
  ModelConfig m;
  m.name = j.at("name").get<std::string>();
  m.drop_path = j.at("drop_path").get<double>();
  m.drop = j.at("drop").get<double>();
  m.seed = static_cast<std::uint64_t>(checked_whole(j.at("seed"), "seed", 0, kMostWhole, file));
  get(j, "norm", m.norm), get(j, "act", m.act), get(j, "positive", m.positive);
  get(j, "weight_init", m.weight_init), get(j, "head_init", m.head_init), get(j, "stem", m.stem);
  get(j, "stabilizer_a", m.stabilizer_a), get(j, "stabilizer_b", m.stabilizer_b);
  get(j, "gate_a", m.gate_a), get(j, "gate_b", m.gate_b);
  return m;
}

/// The beginning of a value, for a message.
std::string printed(const json& value) {
  constexpr std::size_t kShown = 60;
  return value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, kShown);
}

}  // namespace

std::int64_t checked_whole(const json& value, const char* name, std::int64_t low, std::int64_t high,
                           const std::string& file) {
  const bool small = value.is_number_unsigned()
                         ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                         : value.is_number_integer();
  if (!small || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    fail(ErrorCode::checkpoint, "{}: {} is {}; expected a whole number in {}..{}", file, name, printed(value),
         low, high);
  }
  return value.get<std::int64_t>();
}

std::int64_t image_side(const json& size, const std::string& file) {
  constexpr std::int64_t kMostSide = 16384;
  const bool numbers = size.is_array() && size.size() == 3 &&
                       std::all_of(size.begin(), size.end(), [](auto& n) { return n.is_number_integer(); });
  const auto at = [&](std::size_t i) { return size[i].get<std::int64_t>(); };
  if (!numbers || at(0) != 3 || at(1) != at(2) || at(1) < 1 || at(1) > kMostSide) {
    fail(ErrorCode::checkpoint, "{}: config.json: input size {}; expected [3, S, S]", file, printed(size));
  }
  return static_cast<std::int64_t>(at(1));
}

std::string utf8_or_escaped(const std::string& text) {
  try {
    static_cast<void>(json(text).dump());
    return text;
  } catch (const json::type_error&) {
    return escaped(text);
  }
}

void check_card(const ModelCard& card, const std::string& file) {
  const auto refuse_unless = [&](bool ok, const char* what, const auto& found, const char* expected) {
    if (!ok) fail(ErrorCode::checkpoint, "{}: config.json: {} {}; expected {}", file, what, found, expected);
  };
  const ModelConfig& m = card.model;
  refuse_unless(card.crop_pct > 0 && card.crop_pct <= 1, "crop_pct", card.crop_pct, "a number in (0, 1]");
  refuse_unless(m.drop >= 0 && m.drop < 1, "drop", m.drop, "a number in [0, 1)");
  refuse_unless(m.drop_path >= 0 && m.drop_path < 1, "drop_path", m.drop_path, "a number in [0, 1)");
  for (std::size_t c = 0; c < 3; ++c) {
    refuse_unless(card.mean[c] >= 0 && card.mean[c] <= 1, "mean", card.mean[c], "numbers in 0..1");
    refuse_unless(card.std[c] > 0 && card.std[c] <= 1, "std", card.std[c], "numbers above 0, up to 1");
  }
  refuse_unless(!card.test_crop_pct || (*card.test_crop_pct > 0 && *card.test_crop_pct <= 1), "test_crop_pct",
                card.test_crop_pct.value_or(0), "a number in (0, 1]");
  const auto names = static_cast<std::int64_t>(card.class_names.size());
  if (names > 0 && names != m.num_classes) {
    fail(ErrorCode::checkpoint, "{}: config.json: {} class names; expected {}, one per class", file, names,
         m.num_classes);
  }
}

json card_to_json(const ModelCard& card) {
  const auto size = card.model.img_size;
  std::vector<std::string> class_names;  // names of class folders may hold any bytes
  std::ranges::transform(card.class_names, std::back_inserter(class_names), utf8_or_escaped);
  return {{"architecture", card.model.name},
          {"num_classes", card.model.num_classes},
          {"pretrained_cfg",
           {{"input_size", {3, size, size}},
            {"crop_pct", card.crop_pct},
            {"crop_mode", name_of(card.crop_mode)},
            {"interpolation", name_of(card.interpolation)},
            {"mean", card.mean},
            {"std", card.std}}},
          {"salu",
           {{"format", kFormat},
            {"model", model_to_json(card.model)},
            {"class_names", class_names},
            {"dataset", card.dataset},
            {"data_seed", card.data_seed},
            {"val_from_train", card.val_from_train},
            {"exif_orientation", card.exif == ExifOrientation::apply ? "apply" : "ignore"}}}};
}

ModelCard card_from_json(const json& j, const std::string& file) {
  try {
    ModelCard card;
    const std::int64_t format = checked_whole(j.at("salu").at("format"), "format", 1, kMostWhole, file);
    if (format > kFormat) {
      fail(ErrorCode::checkpoint, "{}: written by a newer salutrain (format {}, this build reads 1-{})", file,
           format, kFormat);
    }
    const json &own = j.at("salu"), &cfg = j.at("pretrained_cfg");
    card.model = model_from_json(own.at("model"), file);
    card.model.num_classes = checked_whole(j.at("num_classes"), "num_classes", 1, kMostClasses, file);
    card.model.img_size = image_side(cfg.at("input_size"), file);
    card.crop_pct = cfg.at("crop_pct").get<double>();
    card.crop_mode = eval_crop_of(cfg.value("crop_mode", "center")).value_or(EvalCrop::center);
    card.interpolation =
        interpolation_of(cfg.at("interpolation").get<std::string>()).value_or(Interpolation::bicubic);
    card.mean = cfg.at("mean").get<std::array<float, 3>>();
    card.std = cfg.at("std").get<std::array<float, 3>>();
    card.class_names = own.at("class_names").get<std::vector<std::string>>();
    card.dataset = own.at("dataset").get<std::string>();
    card.data_seed =
        static_cast<std::uint64_t>(checked_whole(own.at("data_seed"), "data_seed", 0, kMostWhole, file));
    card.val_from_train = checked_whole(own.at("val_from_train"), "val_from_train", 0, kMostWhole, file);
    if (own.value("exif_orientation", "") == "apply") card.exif = ExifOrientation::apply;
    check_card(card, file);
    return card;
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint,
         "{}: config.json is not one of salutrain's ({}). Evaluate a checkpoint of salutrain", file,
         e.what());
  }
}

}  // namespace salu
