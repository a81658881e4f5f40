// SPDX-License-Identifier: MIT
#include "train/snapshot.h"

#include "train/state_dict.h"

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

ModelConfig model_from_json(const json& j) {
  ModelConfig m;
  m.name = j.at("name").get<std::string>();
  m.drop_path = j.at("drop_path").get<double>();
  m.drop = j.at("drop").get<double>();
  m.seed = j.at("seed").get<std::uint64_t>();
  get(j, "norm", m.norm), get(j, "act", m.act), get(j, "positive", m.positive);
  get(j, "weight_init", m.weight_init), get(j, "head_init", m.head_init), get(j, "stem", m.stem);
  get(j, "stabilizer_a", m.stabilizer_a), get(j, "stabilizer_b", m.stabilizer_b);
  get(j, "gate_a", m.gate_a), get(j, "gate_b", m.gate_b);
  return m;
}

json progress_to_json(const RunProgress& p, std::uint64_t data_fingerprint) {
  return {{"format", kFormat},          {"step", p.step},
          {"epoch", p.epoch},           {"batch", p.batch},
          {"loss_sum", p.loss_sum},     {"loss_count", p.loss_count},
          {"updates", p.updates},       {"skipped_row", p.skipped_row},
          {"best_score", p.best_score}, {"best_epoch", p.best_epoch},
          {"gain_score", p.gain_score}, {"gain_epoch", p.gain_epoch},
          {"ranks", p.ranks},           {"data_fingerprint", data_fingerprint}};
}

}  // namespace

json card_to_json(const ModelCard& card) {
  const auto size = card.model.img_size;
  return {{"architecture", card.model.name},
          {"num_classes", card.model.num_classes},
          {"pretrained_cfg",
           {{"input_size", {3, size, size}},
            {"crop_pct", card.crop_pct},
            {"interpolation", name_of(card.interpolation)},
            {"mean", card.mean},
            {"std", card.std}}},
          {"salu",
           {{"format", kFormat},
            {"model", model_to_json(card.model)},
            {"class_names", card.class_names},
            {"dataset", card.dataset},
            {"data_seed", card.data_seed},
            {"val_from_train", card.val_from_train}}}};
}

ModelCard card_from_json(const json& j, const std::string& file) {
  try {
    ModelCard card;
    const int format = j.at("salu").at("format").get<int>();
    if (format > kFormat) {
      fail(ErrorCode::checkpoint, "{}: written by a newer salutrain (format {}, this build reads 1-{})", file,
           format, kFormat);
    }
    card.model = model_from_json(j.at("salu").at("model"));
    card.model.num_classes = j.at("num_classes").get<std::int64_t>();
    const json& cfg = j.at("pretrained_cfg");
    card.model.img_size = cfg.at("input_size").at(1).get<std::int64_t>();
    card.crop_pct = cfg.at("crop_pct").get<double>();
    card.interpolation =
        interpolation_of(cfg.at("interpolation").get<std::string>()).value_or(Interpolation::bicubic);
    card.mean = cfg.at("mean").get<std::array<float, 3>>();
    card.std = cfg.at("std").get<std::array<float, 3>>();
    card.class_names = j.at("salu").at("class_names").get<std::vector<std::string>>();
    card.dataset = j.at("salu").at("dataset").get<std::string>();
    card.data_seed = j.at("salu").at("data_seed").get<std::uint64_t>();
    card.val_from_train = j.at("salu").at("val_from_train").get<std::int64_t>();
    return card;
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint,
         "{}: config.json is not one of salutrain's ({}). Evaluate a checkpoint of salutrain", file,
         e.what());
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

RunProgress restore_snapshot(const Checkpoint& checkpoint, const std::string& file, Model& model,
                             Optimizer& optimizer, Ema* ema, std::uint64_t data_fingerprint) {
  RunProgress p;
  try {
    const json& j = checkpoint.progress;
    p = {j.at("step"),
         j.at("epoch"),
         j.at("batch"),
         j.at("loss_sum"),
         j.at("loss_count"),
         j.at("updates"),
         j.at("skipped_row"),
         j.at("best_score"),
         j.at("best_epoch"),
         j.at("gain_score"),
         j.at("gain_epoch"),
         j.value("ranks",
                 std::int64_t{1})};  // absent in checkpoints of a single rank that are older than the field
    if (j.at("data_fingerprint").get<std::uint64_t>() != data_fingerprint) {
      fail(ErrorCode::checkpoint,
           "{}: the data set differs from the one this run was trained on (other files, sizes, labels, or "
           "another JPEG decoder in this build). Give the same --dataset and --data-dir, or start a new run",
           file);
    }
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint, "{}: its counters are not complete ({}). Resume from another checkpoint",
         file, e.what());
  }
  if (const std::string bad = first_non_finite(checkpoint.model); !bad.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: tensor {} holds NaN or Inf; a run cannot go on from there. Resume from an "
         "earlier checkpoint",
         file, bad);
  }
  load_state_dict(model.store(), checkpoint.model, file);
  for (Optimizer::State& s : optimizer.states()) {
    read_named_tensors(model.store(), checkpoint.state, "optim." + s.name + ".", s.values, nullptr, file);
  }
  optimizer.set_updates(p.updates);
  if (ema) read_named_tensors(model.store(), checkpoint.state, "ema.", ema->values(), &ema->buffers(), file);
  return p;
}

}  // namespace salu
