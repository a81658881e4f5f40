// SPDX-License-Identifier: MIT
#include "score/predict.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "data/decode.h"
#include "score/class_lists.h"

namespace salu {
namespace {

std::vector<double> probabilities(std::span<const float> logits) {
  const RowSoftmax softmax = softmax_of(logits.data(), static_cast<std::int64_t>(logits.size()));
  std::vector<double> out;
  for (const float v : logits) out.push_back(softmax.probability(v));
  return out;
}

/// `descriptions` may be empty.
Prediction best_of(const std::vector<double>& values, const ModelCard& card,
                   const std::vector<std::string>& descriptions, std::int64_t topk) {
  std::vector<std::int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto value = [&](std::int64_t k) { return values[static_cast<std::size_t>(k)]; };
  std::ranges::stable_sort(order, [&](auto a, auto b) { return value(a) > value(b); });
  order.resize(std::min<std::size_t>(order.size(), static_cast<std::size_t>(topk)));
  Prediction out;
  for (const std::int64_t k : order) {
    const auto i = static_cast<std::size_t>(k);
    out.top.push_back({k, card.class_names.empty() ? std::to_string(k) : card.class_names[i],
                       descriptions.empty() ? "" : descriptions[i], value(k)});
  }
  return out;
}

}  // namespace

std::vector<Prediction> predict_images(const PredictOptions& options) {
  ScoringModel model = open_scoring_model(options.checkpoint, options.scoring);
  std::vector<std::string> descriptions;
  if (options.label_type == "description")
    descriptions = class_descriptions(options.class_descriptions, model);
  const DecodeOptions decode{.max_pixels = options.max_image_pixels, .exif = model.card.exif};
  const std::int64_t side = model.card.model.img_size;
  const auto total = static_cast<std::int64_t>(options.images.size());
  std::vector<Prediction> out;
  for (std::int64_t first = 0; first < total; first += options.scoring.batch_size) {
    const std::int64_t count = std::min(options.scoring.batch_size, total - first);
    Tensor batch = Tensor::empty({count, side, side, 3}, DType::u8);
    for (std::int64_t i = 0; i < count; ++i) {
      const Image image = eval_transform(
          read_image(options.images[static_cast<std::size_t>(first + i)], decode), model.transform());
      std::ranges::copy(image.pixels, batch.data<std::uint8_t>() + i * side * side * 3);
    }
    const Tensor logits = predict(*model.model, batch, model.scoring(options.scoring));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span row(logits.data<float>() + i * logits.dim(1), static_cast<std::size_t>(logits.dim(1)));
      if (std::ranges::any_of(row, [](float v) { return std::isnan(v); })) {
        fail(ErrorCode::numerics, "{}: {}: the logits hold NaN. Use weights that are finite",
             options.checkpoint, options.images[static_cast<std::size_t>(first + i)]);
      }
      out.push_back(best_of(
          options.output_type == "prob" ? probabilities(row) : std::vector<double>(row.begin(), row.end()),
          model.card, descriptions, options.topk));
      out.back().image = options.images[static_cast<std::size_t>(first + i)];
    }
  }
  model.say_which_weights();
  return out;
}

std::string prediction_text(const std::vector<Prediction>& predictions, const std::string& label_type) {
  const auto label = [&](const Prediction::Class& c) {
    return label_type == "index" ? std::to_string(c.index) : label_type == "name" ? c.name : c.description;
  };
  std::string out;
  for (const Prediction& p : predictions) {
    out += escaped(p.image) + "\n";
    for (const Prediction::Class& c : p.top)
      out += fmt::format("  {:>9.5f}  {}\n", c.value, escaped(label(c)));
  }
  return out;
}

nlohmann::json prediction_json(const std::vector<Prediction>& predictions, const std::string& output_type) {
  nlohmann::json out = nlohmann::json::array();
  for (const Prediction& p : predictions) {
    nlohmann::json top = nlohmann::json::array();
    for (const Prediction::Class& c : p.top) {
      top.push_back({{"index", c.index}, {"class", escaped(c.name)}, {output_type, c.value}});
      if (!c.description.empty()) top.back()["description"] = escaped(c.description);
    }
    out.push_back({{"image", escaped(p.image)}, {"top", top}});
  }
  return out;
}

}  // namespace salu
