// SPDX-License-Identifier: MIT
/// Networks by name.
#pragma once

#include "models/family.h"

namespace salu {

/// Builds and initialises. Throws ErrorCode::usage for unknown names, with the nearest one.
std::unique_ptr<Model> make_model(const ModelConfig& config);

/// The norm the network will have: the configuration's, or else its own. Throws as make_model() does.
Norm norm_of(const ModelConfig& config);
/// Whether `name`, which may be an alias, is a vision transformer. Throws as make_model() does. Its parameter
/// names and good training settings differ from a ResNet's.
bool is_transformer(const std::string& name);
/// The flag of a setting that `config` makes and its network has no place for, or "". Throws as make_model()
/// does.
std::string unused_setting(const ModelConfig& config);
/// An alias (deit_tiny_patch16_224, vit_b_16, …) becomes the name that stands in the registry.
std::string canonical_model_name(const std::string& name);

/// All names that make_model() knows, in the order of the help.
std::vector<std::string> model_names();

/// The aliases that make_model() takes for a name: "vit_b_16, deit_base_patch16_224".
std::string aliases_of(const std::string& name);

/// The layers of one forward pass over one image, with parameters and multiply-adds.
std::vector<LayerRecord> summarize(Model& model, const ModelConfig& config);
/// The table that `--summary` prints.
std::string summary_table(Model& model, const ModelConfig& config);

}  // namespace salu
