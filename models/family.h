// SPDX-License-Identifier: MIT
/// The settings and the interface that all networks share, and what a family of networks tells the registry
/// in model.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layers/layers.h"
#include "layers/norm_act.h"

namespace salu {

/// Names of choices in ModelConfig. For the stem, true means ImageNet's.
inline constexpr std::pair<const char*, LinearInit> kHeadInits[] = {
    {"framework", LinearInit::framework}, {"small_normal", LinearInit::small_normal}};
inline constexpr std::pair<const char*, bool> kStems[] = {{"cifar", false}, {"imagenet", true}};

/// Settings of a network; unset ones take the network's own default.
struct ModelConfig {
  std::string name = "salunet_c8";
  std::int64_t num_classes = 10;
  std::int64_t img_size = 32;
  std::optional<std::string> norm, act, positive, weight_init, head_init, stem;
  std::optional<double> head_bias;  ///< initial bias of the classifier; by default that of head_init
  std::optional<double> stabilizer_a, stabilizer_b, gate_a, gate_b;
  double drop_path = 0;  ///< rate of the last block; rates grow linearly from 0 (ResNets and ViT)
  double drop = 0;       ///< dropout before the classifier
  std::uint64_t seed = 42;
  Placement placement;
};

/// The configured stem, or the default for the image size: "cifar" (3x3) up to 64 pixels, "imagenet" (7x7 and
/// pooling) above. A network scored at another size than in training keeps its stem.
inline std::string stem_of(const ModelConfig& config) {
  return config.stem.value_or(config.img_size > 64 ? "imagenet" : "cifar");
}

class Model {
 public:
  virtual ~Model() = default;
  /// images (N,H,W,3), normalized -> logits (N, num_classes)
  virtual Variable forward(const Variable& images, Context& context) const = 0;

  /// Name of the classifier, which fine-tuning replaces.
  virtual const char* head_name() const { return "fc"; }

  ParameterStore& store() { return store_; }
  const ParameterStore& store() const { return store_; }

 protected:
  ParameterStore store_;  ///< filled by the constructor of a network, allocated by make_model()
};

/// One architecture. The registry adds its name and its norm and activation.
struct Architecture {
  /// Builds the network. `config.weight_init` is set, and norm and activation are final.
  std::function<std::unique_ptr<Model>(const ModelConfig& config, const NormActConfig& pair)> build;
  /// Supported flags among --stem, --head-init, --weight-init, --drop-path and --drop.
  std::vector<std::string> settings;
  NormActConfig norm_act = {};  ///< initial values of its norms; the registry sets norm and activation
  bool transformer = false;
};

}  // namespace salu
