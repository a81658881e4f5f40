// SPDX-License-Identifier: MIT
/// Weights from PyTorch: names of timm and torchvision, timm's config.json, another image size or number of
/// classes.
#pragma once

#include <string>
#include <vector>

#include "run/snapshot.h"

namespace salu {

/// Maps names to ours: drops prefixes of wrappers (`module.`, `_orig_mod.`, `model.`) and turns torchvision's
/// ViT names into timm's. ResNet names are the same everywhere.
std::vector<NamedTensor> native_names(std::vector<NamedTensor> tensors);

/// Reads timm's `architecture`, `num_classes`, `label_names` and `pretrained_cfg`. Class count and stem
/// follow from the weights where the file does not give them; without a classifier there are 0 classes.
/// Throws ErrorCode::checkpoint for an unknown architecture and for unsupported values.
ModelCard card_from_timm(const nlohmann::json& config, const std::vector<NamedTensor>& weights,
                         const std::string& file);

/// The card of a checkpoint of any origin. `model` (a name, may be empty) replaces a missing config.json.
ModelCard card_of(const Checkpoint& checkpoint, const std::string& model, const std::string& file);

/// (1,1+N,D) -> (1,1+M,D), N and M squares: keeps the class token's row and interpolates the grid (bicubic,
/// antialiased) as timm does.
Tensor resized_positions(const Tensor& positions, std::int64_t tokens);

/// load_state_dict() for a model with another image size: interpolates the positions.
void load_weights(Model& model, const std::vector<NamedTensor>& weights, const std::string& file);

/// load_weights() for fine-tuning: a classifier that is missing there, or has another shape, keeps its fresh
/// initialization. Returns a line for the user about that, or "".
std::string load_pretrained(Model& model, std::vector<NamedTensor> weights, const std::string& file);

}  // namespace salu
