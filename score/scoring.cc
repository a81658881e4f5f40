// SPDX-License-Identifier: MIT
#include "score/scoring.h"

#include <fmt/ranges.h>

#include "run/checkpoint.h"

namespace salu {
namespace {

/// Priority: the flag, the checkpoint's test values, its training values.
void apply_options(ModelCard& card, const ScoringOptions& options) {
  card.model.stem = stem_of(card.model);  // fixed by the training size, whatever the size now
  if (!options.use_train_size) {
    card.model.img_size = card.test_img_size.value_or(card.model.img_size);
    card.crop_pct = card.test_crop_pct.value_or(card.crop_pct);
  }
  card.model.img_size = options.img_size.value_or(card.model.img_size);
  card.crop_pct = options.crop_pct.value_or(card.crop_pct);
  card.crop_mode = options.crop_mode.value_or(card.crop_mode);
  card.interpolation = options.interpolation.value_or(card.interpolation);
  card.exif = options.exif.value_or(card.exif);
  card.mean = options.mean.value_or(card.mean);
  card.std = options.std.value_or(card.std);
  if (options.class_map.empty()) return;
  card.class_names = lines_of(options.class_map);
  if (static_cast<std::int64_t>(card.class_names.size()) != card.model.num_classes) {
    fail(ErrorCode::data, "{}: {} lines; expected {}, a class name for each output of the network",
         shown(options.class_map), card.class_names.size(), card.model.num_classes);
  }
}

/// Reports an unknown name in a checkpoint as the checkpoint's error, not the command line's.
std::unique_ptr<Model> model_of(const ModelCard& card, const ScoringOptions& options,
                                const std::string& file) {
  try {
    return make_model(card.model);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::usage || options.img_size) throw;
    fail(ErrorCode::checkpoint, "{}: config.json: {}", file, e.what());
  }
}

}  // namespace

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines = read_lines(file, ErrorCode::data);
  std::erase(lines, "");
  return lines;
}

void ScoringModel::say_which_weights() const {
  if (weights.size() < 2) return;
  tell(fmt::format("{}: the {} weights are taken; --use-ema takes the averaged ones", shown(path),
                   weights.front().kind));
}

TransformOptions ScoringModel::transform() const {
  TransformOptions out;
  out.img_size = static_cast<int>(card.model.img_size);
  out.crop_pct = card.crop_pct;
  out.eval_crop = card.crop_mode;
  out.interpolation = card.interpolation;
  out.moments = {card.mean, card.std};
  return out;
}

Scoring ScoringModel::scoring(const ScoringOptions& options) const {
  return {card.mean, card.std, options.mirror};
}

std::string ScoringModel::description() const {
  const bool center = card.crop_mode == EvalCrop::center;
  return fmt::format("{}, {}x{}, crop {}{}, {}, mean {}, std {}", card.model.name, card.model.img_size,
                     card.model.img_size, card.crop_pct,
                     center ? "" : fmt::format(" ({})", name_of(card.crop_mode)), name_of(card.interpolation),
                     fmt::join(card.mean, " "), fmt::join(card.std, " "));
}

ScoringModel open_scoring_model(const std::string& path, const ScoringOptions& options) {
  Checkpoint checkpoint = load_checkpoint(path);
  checkpoint.model = native_names(std::move(checkpoint.model));
  ScoringModel out;
  out.path = path;
  const std::string file = shown(path);
  out.card = card_of(checkpoint, options.model, file);
  if (out.card.model.num_classes < 1) {
    fail(ErrorCode::checkpoint,
         "{}: no class count in config.json and no fc.weight or head.weight; expected weights with a "
         "classifier. "
         "Train one with --initial-checkpoint",
         file);
  }
  apply_options(out.card, options);
  if (checkpoint.config.is_object()) {
    out.label_descriptions = checkpoint.config.value("label_descriptions", nlohmann::json());
  }
  std::vector<NamedTensor> averages = averaged_weights(checkpoint);
  if (options.use_ema && averages.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: holds no averaged weights (it was trained without --model-ema). Leave --use-ema out", file);
  }
  if (!options.use_ema) out.weights.push_back({"raw", std::move(checkpoint.model)});
  if (!averages.empty()) out.weights.push_back({"ema", std::move(averages)});
  out.card.model.placement = options.placement;
  out.model = model_of(out.card, options, file);
  load_weights(*out.model, out.weights.front().tensors, file);
  return out;
}

}  // namespace salu
