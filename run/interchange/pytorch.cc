// SPDX-License-Identifier: MIT
#include "run/interchange/pytorch.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "run/model_card.h"

namespace salu {
namespace {

using nlohmann::json;

/// Prefixes of torchvision's ViT names, and the rest of the name after encoder_layer_<i>; `.weight` and
/// `.bias` are unchanged.
constexpr std::pair<const char*, const char*> kVitNames[] = {{"class_token", "cls_token"},
                                                             {"encoder.pos_embedding", "pos_embed"},
                                                             {"conv_proj.", "patch_embed.proj."},
                                                             {"encoder.ln.", "norm."},
                                                             {"heads.head.", "head."}};
constexpr std::pair<const char*, const char*> kVitBlockNames[] = {{"ln_1.", "norm1."},
                                                                  {"ln_2.", "norm2."},
                                                                  {"self_attention.in_proj_", "attn.qkv."},
                                                                  {"self_attention.out_proj.", "attn.proj."},
                                                                  {"mlp.0.", "mlp.fc1."},
                                                                  {"mlp.3.", "mlp.fc2."},
                                                                  {"mlp.linear_1.", "mlp.fc1."},
                                                                  {"mlp.linear_2.", "mlp.fc2."}};

template <std::size_t n>
std::string renamed(const std::string& name, const std::pair<const char*, const char*> (&table)[n]) {
  for (const auto& [theirs, ours] : table) {
    if (name.starts_with(theirs)) return ours + name.substr(std::string_view(theirs).size());
  }
  return name;
}

std::string native_name(const std::string& name) {
  constexpr std::string_view kBlock = "encoder.layers.encoder_layer_";
  const std::size_t dot = name.find('.', kBlock.size());
  if (!name.starts_with(kBlock) || dot == std::string::npos) return renamed(name, kVitNames);
  const std::string index = name.substr(kBlock.size(), dot - kBlock.size());
  return "blocks." + index + "." + renamed(name.substr(dot + 1), kVitBlockNames);
}

const Tensor* find(const std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto it = std::ranges::find(tensors, name, &NamedTensor::name);
  return it == tensors.end() ? nullptr : &it->tensor;
}

/// A value of config.json, or timm's default if missing.
template <class T>
T get_or(const json& j, const char* key, T fallback) {
  return j.contains(key) && !j.at(key).is_null() ? j.at(key).get<T>() : fallback;
}

void read_preprocessing(ModelCard& card, const json& cfg, const std::string& file) {
  card.model.img_size = image_side(get_or<json>(cfg, "input_size", {3, 224, 224}), file);
  card.crop_pct = get_or<double>(cfg, "crop_pct", 0.875);
  if (const json size = get_or<json>(cfg, "test_input_size", nullptr); !size.is_null()) {
    card.test_img_size = image_side(size, file);
  }
  if (const json crop = get_or<json>(cfg, "test_crop_pct", nullptr); !crop.is_null()) {
    card.test_crop_pct = crop.get<double>();
  }
  const auto mode = get_or<std::string>(cfg, "crop_mode", "center");
  if (!eval_crop_of(mode)) {
    fail(ErrorCode::checkpoint, "{}: config.json: crop_mode '{}'; expected center, squash or border", file,
         mode);
  }
  card.crop_mode = *eval_crop_of(mode);
  const auto filter = get_or<std::string>(cfg, "interpolation", "bicubic");
  if (!interpolation_of(filter)) {
    fail(ErrorCode::checkpoint, "{}: config.json: interpolation '{}'; expected bilinear or bicubic", file,
         filter);
  }
  card.interpolation = *interpolation_of(filter);
  card.mean = get_or<std::array<float, 3>>(cfg, "mean", {0.485f, 0.456f, 0.406f});
  card.std = get_or<std::array<float, 3>>(cfg, "std", {0.229f, 0.224f, 0.225f});
}

/// Infers stem and class count from the weights; 0 classes without a classifier.
void complete_from_weights(ModelCard& card, bool count_classes, const std::vector<NamedTensor>& weights) {
  if (const Tensor* stem = find(weights, "conv1.weight"); stem && stem->shape().rank() == 4) {
    card.model.stem = stem->dim(2) == 7 ? "imagenet" : "cifar";
  }
  if (!count_classes) return;
  for (const char* name : {"fc.weight", "head.weight"}) {
    const Tensor* head = find(weights, name);
    if (head && head->shape().rank() == 2 && head->dim(0) >= 1 && head->dim(0) <= kMostClasses) {
      card.model.num_classes = head->dim(0);
      return;
    }
  }
}

bool is_square(std::int64_t n) {
  const auto root = std::lround(std::sqrt(static_cast<double>(n)));
  return n > 0 && root * root == n;
}

/// Interpolates positions of another grid to the model's.
std::vector<NamedTensor> with_resized_positions(const Model& model, std::vector<NamedTensor> weights) {
  for (const Parameter& p : model.store().parameters()) {
    if (p.name != "pos_embed") continue;
    for (NamedTensor& t : weights) {
      if (t.name != p.name || t.tensor.shape().rank() != 3 || t.tensor.shape() == p.shape) continue;
      if (t.tensor.dim(0) != 1 || t.tensor.dim(2) != p.shape[2] || !is_square(t.tensor.dim(1) - 1)) continue;
      t.tensor = resized_positions(t.tensor.to(DType::f32), p.shape[1] - 1);
    }
  }
  return weights;
}

}  // namespace

std::vector<NamedTensor> native_names(std::vector<NamedTensor> tensors) {
  for (const std::string prefix : {"_orig_mod.", "module.", "_orig_mod.", "model."}) {
    const auto has = [&](const NamedTensor& t) { return t.name.starts_with(prefix); };
    if (tensors.empty() || !std::ranges::all_of(tensors, has)) continue;
    for (NamedTensor& t : tensors) t.name.erase(0, prefix.size());
  }
  for (NamedTensor& t : tensors) t.name = native_name(t.name);
  return tensors;
}

ModelCard card_from_timm(const json& config, const std::vector<NamedTensor>& weights,
                         const std::string& file) {
  try {
    ModelCard card;
    const auto architecture = config.at("architecture").get<std::string>();
    card.model.name = canonical_model_name(architecture.substr(0, architecture.find('.')));
    const auto names = model_names();
    if (std::ranges::find(names, card.model.name) == names.end()) {
      fail(ErrorCode::checkpoint, "{}: architecture '{}'; expected one of {}", file, architecture,
           fmt::join(names, ", "));
    }
    read_preprocessing(card, config.contains("pretrained_cfg") ? config.at("pretrained_cfg") : config, file);
    const bool counted = !get_or<json>(config, "num_classes", nullptr).is_null();
    card.model.num_classes = counted ? checked_whole(config.at("num_classes"), "num_classes", 0, kMostClasses,
                                                     file + ": config.json")
                                     : 0;
    complete_from_weights(card, card.model.num_classes < 1, weights);
    card.class_names = get_or<std::vector<std::string>>(config, "label_names", {});
    check_card(card, file);
    return card;
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint, "{}: config.json is neither salutrain's nor timm's ({})", file, e.what());
  }
}

ModelCard card_of(const Checkpoint& checkpoint, const std::string& model, const std::string& file) {
  if (checkpoint.config.contains("salu")) return card_from_json(checkpoint.config, file);
  json config = checkpoint.config.is_object() ? checkpoint.config : json::object();
  if (!model.empty()) config["architecture"] = model;
  if (!config.contains("architecture")) {
    fail(ErrorCode::checkpoint,
         "{}: no config.json with an architecture beside the weights. Give the network: --model NAME", file);
  }
  return card_from_timm(config, checkpoint.model, file);
}

Tensor resized_positions(const Tensor& positions, std::int64_t tokens) {
  const auto side = [](std::int64_t n) {
    return static_cast<int>(std::lround(std::sqrt(static_cast<double>(n))));
  };
  const int from = side(positions.dim(1) - 1), to = side(tokens);
  const std::int64_t width = positions.dim(2);
  Tensor out = Tensor::zeros({1, 1 + tokens, width});
  const float* in = positions.data<float>();
  float* result = out.data<float>();
  std::copy(in, in + width, result);
  const auto taps = filter_taps(from, to, Interpolation::bicubic);
  for (int y = 0; y < to; ++y) {
    for (int x = 0; x < to; ++x) {
      const FilterTaps &rows = taps[static_cast<std::size_t>(y)],
                       &columns = taps[static_cast<std::size_t>(x)];
      float* pixel = result + (1 + y * to + x) * width;
      for (std::size_t r = 0; r < rows.weights.size(); ++r) {
        for (std::size_t c = 0; c < columns.weights.size(); ++c) {
          const auto weight = static_cast<float>(rows.weights[r] * columns.weights[c]);
          const std::int64_t row = rows.begin + static_cast<std::int64_t>(r);
          const float* source = in + (1 + row * from + columns.begin + static_cast<std::int64_t>(c)) * width;
          for (std::int64_t d = 0; d < width; ++d) pixel[d] += weight * source[d];
        }
      }
    }
  }
  return out;
}

void load_weights(Model& model, const std::vector<NamedTensor>& weights, const std::string& file) {
  load_state_dict(model.store(), with_resized_positions(model, weights), file);
}

std::string load_pretrained(Model& model, std::vector<NamedTensor> weights, const std::string& file) {
  const std::string head = model.head_name();
  const auto is_head = [&](const NamedTensor& t) { return t.name.starts_with(head + "."); };
  const bool has_head = std::ranges::any_of(weights, is_head);
  std::string note;
  if (!has_head)
    note = fmt::format("{}: no classifier {} there: it starts anew, the rest is loaded", file, head);
  for (const NamedTensor& ours : state_dict(model.store())) {
    if (!is_head(ours)) continue;
    if (!has_head) weights.push_back(ours);
    for (NamedTensor& theirs : weights) {
      if (theirs.name != ours.name || theirs.tensor.shape() == ours.tensor.shape()) continue;
      if (theirs.name.ends_with("weight")) {
        note = fmt::format("{}: classifier {} is {} there and {} here: it starts anew, the rest is loaded",
                           file, head, theirs.tensor.shape().str(), ours.tensor.shape().str());
      }
      theirs.tensor = ours.tensor;
    }
  }
  load_weights(model, weights, file);
  return note;
}

}  // namespace salu
