// SPDX-License-Identifier: MIT
#include "models/model.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.h"
#include "models/cnn4.h"
#include "models/resnet.h"
#include "models/vit.h"

namespace salu {
namespace {

struct Entry {
  const char* name;
  Norm norm;  ///< default norm and activation
  Act act;
  Architecture architecture;

  bool salunet() const { return norm == Norm::salu; }
};

const std::vector<Entry>& registry() {
  static const std::vector<Entry> entries = {
      {"salunet_c8", Norm::salu, Act::swalu, small_resnet({1, 1, 1})},
      {"salunet_c20", Norm::salu, Act::swalu, small_resnet({3, 3, 3})},
      {"salunet_c56", Norm::salu, Act::swalu, small_resnet({9, 9, 9})},
      {"salunet_c18", Norm::salu, Act::swalu, resnet({2, 2, 2, 2})},
      {"salunet_c50", Norm::salu, Act::swalu, bottleneck_resnet({3, 4, 6, 3})},
      {"salunet_t", Norm::salu, Act::galu, vit_cifar()},
      {"resnet8", Norm::batchnorm, Act::relu, small_resnet({1, 1, 1})},
      {"resnet20", Norm::batchnorm, Act::relu, small_resnet({3, 3, 3})},
      {"resnet56", Norm::batchnorm, Act::relu, small_resnet({9, 9, 9})},
      {"resnet18", Norm::batchnorm, Act::relu, resnet({2, 2, 2, 2})},
      {"resnet34", Norm::batchnorm, Act::relu, resnet({3, 4, 6, 3})},
      {"resnet50", Norm::batchnorm, Act::relu, bottleneck_resnet({3, 4, 6, 3})},
      {"resnet101", Norm::batchnorm, Act::relu, bottleneck_resnet({3, 4, 23, 3})},
      {"resnet152", Norm::batchnorm, Act::relu, bottleneck_resnet({3, 8, 36, 3})},
      {"vit_cifar", Norm::layernorm, Act::gelu, vit_cifar()},
      {"vit_tiny_patch16_224", Norm::layernorm, Act::gelu, vit(192)},
      {"vit_small_patch16_224", Norm::layernorm, Act::gelu, vit(384)},
      {"vit_base_patch16_224", Norm::layernorm, Act::gelu, vit(768)},
      {"cnn4", Norm::salu, Act::prelu, cnn4()},
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

/// The network's own norm and activation, overridden by the configuration.
NormActConfig norm_act_of(const Entry& entry, const ModelConfig& config) {
  NormActConfig out = entry.architecture.norm_act;
  out.norm = config.norm ? norm_of(*config.norm) : entry.norm;
  out.act = config.act ? act_of(*config.act) : entry.act;
  if (config.positive) out.positive = positive_of(*config.positive);
  out.gate = out.act == Act::galu ? kGaluInit : kSwaluInit;
  if (config.stabilizer_a) out.stabilizer.a = *config.stabilizer_a;
  if (config.stabilizer_b) out.stabilizer.b = *config.stabilizer_b;
  if (config.gate_a) out.gate.a = *config.gate_a;
  if (config.gate_b) out.gate.b = *config.gate_b;
  return out;
}

/// Throws ErrorCode::usage with the nearest name for an unknown one.
const Entry& entry_of(const std::string& name) {
  const auto it = std::ranges::find(registry(), canonical_model_name(name), &Entry::name);
  if (it != registry().end()) return *it;
  fail(ErrorCode::usage, "--model: unknown name '{}'; expected one of {}{}", name,
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

std::string unused_setting(const ModelConfig& config) {
  const std::vector<std::string>& settings = entry_of(config.name).architecture.settings;
  for (const auto& [flag, given] :
       {std::pair{"--stem", config.stem.has_value()}, std::pair{"--head-init", config.head_init.has_value()},
        std::pair{"--weight-init", config.weight_init.has_value()},
        std::pair{"--drop-path", config.drop_path > 0}, std::pair{"--drop", config.drop > 0}}) {
    if (given && std::ranges::find(settings, flag) == settings.end()) return flag;
  }
  return "";
}

bool is_transformer(const std::string& name) { return entry_of(name).architecture.transformer; }

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

std::unique_ptr<Model> build_model(const ModelConfig& config) {
  const Entry& entry = entry_of(config.name);
  ModelConfig full = config;
  if (!config.weight_init) full.weight_init = entry.salunet() ? "he_fan_in" : "he_fan_out";
  std::unique_ptr<Model> model = entry.architecture.build(full, norm_act_of(entry, config));
  if (config.head_bias) start_head_at(*model, *config.head_bias);
  return model;
}

std::unique_ptr<Model> make_model(const ModelConfig& config) {
  std::unique_ptr<Model> model = build_model(config);
  model->store().allocate(config.seed, config.placement);
  return model;
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
