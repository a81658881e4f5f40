// SPDX-License-Identifier: MIT
#include "models/model.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/choices.h"
#include "core/text.h"
#include "models/cnn4.h"
#include "models/resnet.h"
#include "models/vit.h"

namespace salu {
namespace {

enum class Family { resnet, small_resnet, vit_cifar, vit, cnn4 };

struct Entry {
  const char* name;
  Family family;
  bool salunet;
  bool bottleneck;
  std::vector<int> depths;
  std::int64_t width = 0;  ///< of a ViT of 16x16 patches, 64 per head
};

const std::vector<Entry>& registry() {
  static const std::vector<Entry> entries = {
      {"salunet_c8", Family::small_resnet, true, false, {1, 1, 1}},
      {"salunet_c20", Family::small_resnet, true, false, {3, 3, 3}},
      {"salunet_c56", Family::small_resnet, true, false, {9, 9, 9}},
      {"salunet_c18", Family::resnet, true, false, {2, 2, 2, 2}},
      {"salunet_c50", Family::resnet, true, true, {3, 4, 6, 3}},
      {"salunet_t", Family::vit_cifar, true, false, {}},
      {"resnet8", Family::small_resnet, false, false, {1, 1, 1}},
      {"resnet20", Family::small_resnet, false, false, {3, 3, 3}},
      {"resnet56", Family::small_resnet, false, false, {9, 9, 9}},
      {"resnet18", Family::resnet, false, false, {2, 2, 2, 2}},
      {"resnet34", Family::resnet, false, false, {3, 4, 6, 3}},
      {"resnet50", Family::resnet, false, true, {3, 4, 6, 3}},
      {"resnet101", Family::resnet, false, true, {3, 4, 23, 3}},
      {"resnet152", Family::resnet, false, true, {3, 8, 36, 3}},
      {"vit_cifar", Family::vit_cifar, false, false, {}},
      {"vit_tiny_patch16_224", Family::vit, false, false, {12}, 192},
      {"vit_small_patch16_224", Family::vit, false, false, {12}, 384},
      {"vit_base_patch16_224", Family::vit, false, false, {12}, 768},
      {"cnn4", Family::cnn4, true, false, {}},
  };
  return entries;
}

/// Other names of the same networks.
constexpr std::pair<const char*, const char*> kAliases[] = {
    {"resnet18_cifar", "resnet18"},
    {"vit_b_16", "vit_base_patch16_224"},
    {"deit_tiny_patch16_224", "vit_tiny_patch16_224"},
    {"deit_small_patch16_224", "vit_small_patch16_224"},
    {"deit_base_patch16_224", "vit_base_patch16_224"},
};

/// The model's own pair, changed by what the configuration names.
NormActConfig norm_act_of(const Entry& entry, const ModelConfig& config) {
  NormActConfig out;
  if (entry.family == Family::vit || entry.family == Family::vit_cifar) {
    if (entry.family == Family::vit) out.layer_norm_eps = 1e-6;
    out.norm = entry.salunet ? Norm::salu : Norm::layernorm;
    out.act = entry.salunet ? Act::galu : Act::gelu;
  } else if (entry.family == Family::cnn4) {
    out.norm = Norm::salu;
    out.act = Act::prelu;
  } else {
    out.norm = entry.salunet ? Norm::salu : Norm::batchnorm;
    out.act = entry.salunet ? Act::swalu : Act::relu;
  }
  // Deep stages of a bottleneck net keep their signal with S = 1.45, W = 1.
  if (entry.bottleneck) out.stabilizer = {1.45, 1 / 1.45};
  if (config.norm) out.norm = norm_of(*config.norm);
  if (config.act) out.act = act_of(*config.act);
  if (config.positive) out.positive = positive_of(*config.positive);
  out.gate = out.act == Act::galu ? kGaluInit : kSwaluInit;
  if (config.stabilizer_a) out.stabilizer.a = *config.stabilizer_a;
  if (config.stabilizer_b) out.stabilizer.b = *config.stabilizer_b;
  if (config.gate_a) out.gate.a = *config.gate_a;
  if (config.gate_b) out.gate.b = *config.gate_b;
  return out;
}

WeightInit weight_init_of(const Entry& entry, const ModelConfig& config) {
  if (config.weight_init) return choice_of("--weight-init", kWeightInits, *config.weight_init);
  return entry.salunet ? WeightInit::he_fan_in : WeightInit::he_fan_out;
}

VitConfig vit_config_of(const Entry& entry, const ModelConfig& config) {
  if (entry.family == Family::vit_cifar) return vit_cifar_config(config.img_size);
  VitConfig vit;
  vit.img_size = config.img_size;
  vit.depth = entry.depths[0];
  vit.width = entry.width;
  vit.heads = entry.width / 64;
  vit.mlp = 4 * entry.width;
  return vit;
}

std::unique_ptr<Model> build(const Entry& entry, const ModelConfig& config) {
  const NormActConfig norm_act = norm_act_of(entry, config);
  if (entry.family == Family::vit || entry.family == Family::vit_cifar) {
    VitConfig vit = vit_config_of(entry, config);
    vit.num_classes = config.num_classes;
    vit.norm_act = norm_act;
    vit.drop_path = config.drop_path;
    vit.drop = config.drop;
    return std::make_unique<Vit>(vit);
  }
  const WeightInit weight_init = weight_init_of(entry, config);
  if (entry.family == Family::cnn4) {
    return std::make_unique<Cnn4>(config.img_size, config.num_classes, norm_act, weight_init);
  }
  ResnetConfig resnet;
  resnet.bottleneck = entry.bottleneck;
  resnet.depths = entry.depths;
  const bool small = entry.family == Family::small_resnet;
  resnet.widths =
      small ? std::vector<std::int64_t>{16, 32, 64} : std::vector<std::int64_t>{64, 128, 256, 512};
  resnet.imagenet_stem = !small && choice_of("--stem", kStems, stem_of(config));
  resnet.num_classes = config.num_classes;
  resnet.norm_act = norm_act;
  resnet.weight_init = weight_init;
  if (config.head_init) resnet.head_init = choice_of("--head-init", kHeadInits, *config.head_init);
  resnet.drop_path = config.drop_path;
  resnet.drop = config.drop;
  return std::make_unique<Resnet>(resnet);
}

/// Throws ErrorCode::usage with the nearest name for one that is unknown.
const Entry& entry_of(const std::string& name) {
  const auto it = std::ranges::find(registry(), canonical_model_name(name), &Entry::name);
  if (it != registry().end()) return *it;
  fail(ErrorCode::usage, "--model: unknown name '{}'; expected one of {}{}", escaped(name),
       fmt::join(model_names(), ", "), did_you_mean(name, model_names()));
}

void start_head_at(Model& model, double bias) {
  const std::string name = std::string(model.head_name()) + ".bias";
  for (Parameter& parameter : model.store().parameters()) {
    if (parameter.name == name) parameter.init = constant_init(bias);
  }
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : registry()) names.emplace_back(entry.name);
  return names;
}

std::string stem_of(const ModelConfig& config) {
  return config.stem.value_or(config.img_size > 64 ? "imagenet" : "cifar");
}

std::string unused_setting(const ModelConfig& config) {
  const Family family = entry_of(config.name).family;
  const bool residual = family == Family::resnet || family == Family::small_resnet;
  if (config.stem && family != Family::resnet) return "--stem";
  if (config.head_init && !residual) return "--head-init";
  if (config.weight_init && !residual && family != Family::cnn4) return "--weight-init";
  if (config.drop_path > 0 && family == Family::cnn4) return "--drop-path";
  return config.drop > 0 && family == Family::cnn4 ? "--drop" : "";
}

std::string aliases_of(const std::string& name) {
  std::vector<std::string> aliases;
  for (const auto& [alias, real] : kAliases) {
    if (name == real) aliases.emplace_back(alias);
  }
  return fmt::format("{}", fmt::join(aliases, ", "));
}

std::string canonical_model_name(const std::string& name) {
  for (const auto& [alias, real] : kAliases) {
    if (name == alias) return real;
  }
  return name;
}

std::unique_ptr<Model> make_model(const ModelConfig& config) {
  std::unique_ptr<Model> model = build(entry_of(config.name), config);
  if (config.head_bias) start_head_at(*model, *config.head_bias);
  model->store().allocate(config.seed, config.placement);
  return model;
}

bool is_transformer(const ModelConfig& config) {
  const Family family = entry_of(config.name).family;
  return family == Family::vit || family == Family::vit_cifar;
}

Norm norm_of(const ModelConfig& config) { return norm_act_of(entry_of(config.name), config).norm; }

std::vector<LayerRecord> summarize(Model& model, const ModelConfig& config) {
  const NoGrad guard;
  std::vector<LayerRecord> records;
  Context context;
  context.records = &records;
  model.forward(
      Variable(Tensor::zeros({1, config.img_size, config.img_size, 3}, config.placement.activations)),
      context);
  return records;
}

std::string summary_table(Model& model, const ModelConfig& config) {
  std::string out = fmt::format("{:<28} {:<14} {:>18} {:>12} {:>14}\n", "layer", "kind", "output",
                                "parameters", "multiply-adds");
  std::int64_t macs = 0;
  for (const LayerRecord& r : summarize(model, config)) {
    out += fmt::format("{:<28} {:<14} {:>18} {:>12} {:>14}\n", r.name, r.kind, r.output.str(), r.parameters,
                       r.macs);
    macs += r.macs;
  }
  const ParameterStore& store = model.store();
  out += fmt::format(
      "{}: {} parameters, of which {} coefficients; {:.4f} G multiply-adds ({:.4f} GFLOP) per {}x{} "
      "image, forward\n",
      config.name, store.count(), store.count(ParameterGroup::coefficients), static_cast<double>(macs) * 1e-9,
      static_cast<double>(macs) * 2e-9, config.img_size, config.img_size);
  return out;
}

}  // namespace salu
