// SPDX-License-Identifier: MIT
/// Weights that come from PyTorch: timm's and torchvision's names, timm's config.json, another picture size
/// or number of classes.
#pragma once

#include <string>
#include <vector>

#include "run/snapshot.h"

namespace salu {

/// Our names: prefixes that wrappers put before every name (`module.`, `_orig_mod.`, `model.`) go, and
/// torchvision's ViT names become timm's. ResNet names are the same everywhere.
std::vector<NamedTensor> native_names(std::vector<NamedTensor> tensors);

/// Reads `architecture`, `num_classes`, `label_names` and `pretrained_cfg` as timm writes them; class count
/// and stem follow from the weights where the file is silent. Throws ErrorCode::checkpoint for an
/// architecture that is not ours and for values that cannot be honoured.
ModelCard card_from_timm(const nlohmann::json& config, const std::vector<NamedTensor>& weights,
                         const std::string& file);

/// A checkpoint's card, whoever wrote it. `model` (a name, may be empty) stands in for a missing config.json.
ModelCard card_of(const Checkpoint& checkpoint, const std::string& model, const std::string& file);

/// (1,1+N,D) -> (1,1+M,D), N and M squares: the class token's row stays, the grid is interpolated
/// (bicubic, antialiased) as timm does it.
Tensor resized_positions(const Tensor& positions, std::int64_t tokens);

/// load_state_dict() for a model that may see pictures of another size: positions are interpolated to fit.
void load_weights(Model& model, const std::vector<NamedTensor>& weights, const std::string& file);

/// For fine-tuning: as load_weights(), but a classifier of another shape keeps its fresh initialisation.
/// Returns a line for the user about that, or "".
std::string load_pretrained(Model& model, std::vector<NamedTensor> weights, const std::string& file);

}  // namespace salu
