// SPDX-License-Identifier: MIT
#include "run/snapshot.h"

#include <algorithm>
#include <cmath>

#include "run/json_fields.h"
#include "run/state_dict.h"

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

json progress_to_json(const RunProgress& p, std::uint64_t data_fingerprint) {
  return {{"format", kFormat},
          {"step", p.step},
          {"epoch", p.epoch},
          {"batch", p.batch},
          {"loss_sum", p.loss_sum},
          {"loss_count", p.loss_count},
          {"updates", p.updates},
          {"ema_updates", p.ema_updates},
          {"skipped_row", p.non_finite.row},
          {"skipped_recent", p.non_finite.recent},
          {"returns", p.non_finite.seen},
          {"lr_factor", p.non_finite.lr_factor},
          {"good", p.good},
          {"best_score", p.best_score},
          {"best_epoch", p.best_epoch},
          {"gain_score", p.gain_score},
          {"gain_epoch", p.gain_epoch},
          {"ranks", p.ranks},
          {"data_fingerprint", data_fingerprint}};
}

/// A name that stands in the folder of checkpoints.
bool is_plain_name(const std::string& name) { return !name.starts_with('.') && name.find('/') == name.npos; }

RunProgress progress_from_json(const json& j, const std::string& file) {
  const auto count = [&](const char* key, std::int64_t low = 0) {
    return checked_whole(j.at(key), key, low, kMostWhole, file);
  };
  RunProgress p;
  p.step = count("step");
  p.epoch = count("epoch");
  p.batch = count("batch");
  p.loss_sum = j.at("loss_sum").get<double>();
  p.loss_count = count("loss_count");
  p.updates = count("updates");
  p.best_score = j.at("best_score").get<double>();
  p.best_epoch = count("best_epoch", -1);
  p.gain_score = j.at("gain_score").get<double>();
  p.gain_epoch = count("gain_epoch", -1);
  p.non_finite.row = count("skipped_row");
  // Older checkpoints lack the rest.
  for (const json& step : j.value("skipped_recent", json::array())) {
    p.non_finite.recent.push_back(checked_whole(step, "skipped_recent", 0, kMostWhole, file));
  }
  p.non_finite.seen = j.value("returns", p.non_finite.seen);
  p.non_finite.lr_factor = j.value("lr_factor", 1.0);
  p.good = j.value("good", "");
  p.ema_updates = j.contains("ema_updates") ? count("ema_updates") : p.updates;
  if (j.contains("ranks")) p.ranks = count("ranks", 1);
  if (!(p.non_finite.lr_factor > 0 && p.non_finite.lr_factor <= 1) || !is_plain_name(p.good)) {
    fail(ErrorCode::checkpoint, "{}: lr_factor is {}, good is '{}'; expected a number in (0, 1] and a name",
         file, p.non_finite.lr_factor, escaped(p.good));
  }
  return p;
}

}  // namespace

void check_card(const ModelCard& card, const std::string& file) {
  const auto refuse_unless = [&](bool ok, const char* what, const auto& found, const char* expected) {
    if (!ok) fail(ErrorCode::checkpoint, "{}: config.json: {} {}; expected {}", file, what, found, expected);
  };
  const ModelConfig& m = card.model;
  refuse_unless(card.crop_pct > 0 && card.crop_pct <= 1, "crop_pct", card.crop_pct, "a number in (0, 1]");
  refuse_unless(m.drop >= 0 && m.drop < 1, "drop", m.drop, "a number in [0, 1)");
  refuse_unless(m.drop_path >= 0 && m.drop_path < 1, "drop_path", m.drop_path, "a number in [0, 1)");
  for (std::size_t c = 0; c < 3; ++c) {
    refuse_unless(std::isfinite(card.mean[c]), "mean", card.mean[c], "finite numbers");
    refuse_unless(std::isfinite(card.std[c]) && card.std[c] > 0, "std", card.std[c], "finite numbers > 0");
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
  std::vector<std::string> class_names;  // those of class folders may hold any bytes
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
            {"val_from_train", card.val_from_train}}}};
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
    check_card(card, file);
    return card;
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint,
         "{}: config.json is not one of salutrain's ({}). Evaluate a checkpoint of salutrain", file,
         escaped(e.what()));
  }
}

Checkpoint take_snapshot(const Model& model, Optimizer& optimizer, Ema* ema, const RunProgress& progress,
                         const ModelCard& card, std::uint64_t data_fingerprint) {
  Checkpoint out;
  out.model = state_dict(model.store());
  for (const Optimizer::State& s : optimizer.states()) {
    for (NamedTensor& t : named_tensors(model.store(), s.values, nullptr, "optim." + s.name + ".")) {
      out.state.push_back(std::move(t));
    }
  }
  if (ema) {
    for (NamedTensor& t : named_tensors(model.store(), ema->values(), &ema->buffers(), "ema.")) {
      out.state.push_back(std::move(t));
    }
  }
  out.metadata = {{"salu.model", card.model.name},
                  {"salu.num_classes", std::to_string(card.model.num_classes)},
                  {"salu.img_size", std::to_string(card.model.img_size)},
                  {"salu.step", std::to_string(progress.step)}};
  out.config = card_to_json(card);
  out.progress = progress_to_json(progress, data_fingerprint);
  return out;
}

RunProgress read_progress(const Checkpoint& checkpoint, const std::string& file,
                          std::uint64_t data_fingerprint) {
  try {
    const json& j = checkpoint.progress;
    if (j.at("data_fingerprint").get<std::uint64_t>() != data_fingerprint) {
      fail(ErrorCode::checkpoint,
           "{}: the data set differs from the one this run was trained on (other files, sizes, labels, or "
           "another JPEG decoder in this build). Give the same --dataset and --data-dir, or start a new run",
           file);
    }
    return progress_from_json(j, file);
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint, "{}: its counters are not complete ({}). Resume from another checkpoint",
         file, escaped(e.what()));
  }
}

RunProgress restore_snapshot(const Checkpoint& checkpoint, const std::string& file, Model& model,
                             Optimizer* optimizer, Ema* ema, std::uint64_t data_fingerprint) {
  const RunProgress p = read_progress(checkpoint, file, data_fingerprint);
  if (const std::string bad = first_non_finite(checkpoint.model); !bad.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: tensor {} holds NaN or Inf; a run cannot go on from there. Resume from an "
         "earlier checkpoint",
         file, bad);
  }
  load_state_dict(model.store(), checkpoint.model, file);
  if (optimizer) {
    for (Optimizer::State& s : optimizer->states()) {
      read_named_tensors(model.store(), checkpoint.state, "optim." + s.name + ".", s.values, nullptr, file);
    }
    optimizer->set_updates(p.updates);
    optimizer->set_ema_updates(p.ema_updates);
  }
  if (ema) read_named_tensors(model.store(), checkpoint.state, "ema.", ema->values(), &ema->buffers(), file);
  return p;
}

}  // namespace salu
