// SPDX-License-Identifier: MIT
/// Networks by name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layers/init.h"
#include "layers/norm_act.h"

namespace salu {

/// Names of choices in ModelConfig; of the stem: whether it is ImageNet's.
inline constexpr std::pair<const char*, WeightInit> kWeightInits[] = {{"he_fan_in", WeightInit::he_fan_in},
                                                                      {"he_fan_out", WeightInit::he_fan_out},
                                                                      {"lecun", WeightInit::lecun},
                                                                      {"framework", WeightInit::framework}};
inline constexpr std::pair<const char*, LinearInit> kHeadInits[] = {
    {"framework", LinearInit::framework}, {"small_normal", LinearInit::small_normal}};
inline constexpr std::pair<const char*, bool> kStems[] = {{"cifar", false}, {"imagenet", true}};

/// What the command line may say about a network; whatever is left out is the model's own default.
struct ModelConfig {
  std::string name = "salunet_c8";
  std::int64_t num_classes = 10;
  std::int64_t img_size = 32;
  std::optional<std::string> norm, act, positive, weight_init, head_init, stem;
  std::optional<double> head_bias;  ///< initial bias of the classifier; head_init's by default
  std::optional<double> stabilizer_a, stabilizer_b, gate_a, gate_b;
  double drop_path = 0;  ///< rate of the last block; it grows linearly from 0 (ResNets and ViT)
  double drop = 0;       ///< dropout before the classifier
  std::uint64_t seed = 42;
  Placement placement;
};

class Model {
 public:
  virtual ~Model() = default;
  /// images (N,H,W,3), normalised -> logits (N, num_classes)
  virtual Variable forward(const Variable& images, Context& context) const = 0;

  /// The classifier's place in the tree of names; fine-tuning replaces it.
  virtual const char* head_name() const { return "fc"; }

  ParameterStore& store() { return store_; }
  const ParameterStore& store() const { return store_; }

 protected:
  ParameterStore store_;  ///< the constructor of a network fills it; make_model() allocates it
};

/// "cifar" (3x3) or "imagenet" (7x7 and pooling): the one that is named, else by picture size. A network that
/// is scored at another size than it was trained at keeps its stem.
std::string stem_of(const ModelConfig& config);

/// Builds and initialises. Throws ErrorCode::usage for unknown names, with the nearest one.
std::unique_ptr<Model> make_model(const ModelConfig& config);

/// Whether it is a vision transformer. Throws as make_model().
bool is_transformer(const ModelConfig& config);

/// The norm it will have: the one that is named, else the network's own. Throws as make_model().
Norm norm_of(const ModelConfig& config);

/// The flag of a setting that `config` makes and its network has no place for, or "". Throws as make_model().
std::string unused_setting(const ModelConfig& config);

/// An alias (deit_tiny_patch16_224, vit_b_16, …) becomes the name that stands in the registry.
std::string canonical_model_name(const std::string& name);

/// All names that make_model() knows, in the order of the help.
std::vector<std::string> model_names();

/// What else make_model() takes for a name: "vit_b_16, deit_base_patch16_224".
std::string aliases_of(const std::string& name);

/// The layers of one forward pass over one image, with parameters and multiply-adds.
std::vector<LayerRecord> summarize(Model& model, const ModelConfig& config);
/// The table that `--summary` prints.
std::string summary_table(Model& model, const ModelConfig& config);

}  // namespace salu
